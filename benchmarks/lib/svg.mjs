/** SVG as text: elements whose attributes and text cannot break out of them, and numbers that are short. */

/** @typedef {Readonly<Record<string, string | number>>} Attributes */

/**
 * @param {string} name
 * @param {Attributes} attributes
 * @param {readonly string[]} [children] elements
 */
export function element(name, attributes, children = []) {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(rounded(value)))}"`);
  const opening = `<${name}${given.join("")}`;
  return children.length === 0 ? `${opening}/>` : `${opening}>${children.join("")}</${name}>`;
}

/**
 * @param {string} name
 * @param {Attributes} attributes
 * @param {string} content shown as it is
 */
export function textElement(name, attributes, content) {
  return element(name, attributes, [escaped(content)]);
}

const ENTITIES = /** @type {Record<string, string>} */ ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" });

/** Control characters, which XML has no place for, are left out. @param {string} text */
function escaped(text) {
  return text
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "")
    .replaceAll(/[&<>"]/g, (c) => ENTITIES[c] ?? c);
}

/** A tenth of a unit is more than anybody sees. @param {string | number} value */
function rounded(value) {
  return typeof value === "number" ? Math.round(value * 10) / 10 : value;
}
