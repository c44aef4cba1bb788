/**
 * Checks the `resilience` option (and every other source of policy values) against the field table, with valibot doing
 * the walking. valibot is loaded on first use: a client without policy values of its own never pays for it.
 */
import { createRequire } from "node:module";
import type { ConfigProblem } from "../failure/errors.js";
import { allowedBy, fieldAt, fieldsUnder, type Field } from "./fields.js";
import { closest, numberOrShape, shapeOf, suggestion } from "./shape.js";

type Valibot = typeof import("valibot");
type Schema = import("valibot").GenericSchema;

const OWN_KEYS = ["profile", "provider", "fallback", "logger", "name"];

let loaded: { readonly v: Valibot; readonly schema: Schema } | undefined;

/** Every problem in the policy values of one source; `path` names the source in messages, e.g. `resilience`. */
export function checkValues(values: unknown, path: string): ConfigProblem[] {
  if (typeof values === "object" && values !== null && Object.keys(values).length === 0) return [];
  loaded ??= load();
  const { v, schema } = loaded;
  const result = v.safeParse(schema, values);
  if (result.success) return [];
  return result.issues.map((issue) => problemOf(v.getDotPath(issue) ?? "", issue.input, issue.type, path));
}

function load(): { readonly v: Valibot; readonly schema: Schema } {
  const v = createRequire(import.meta.url)("valibot") as Valibot;
  return { v, schema: objectOf(v, "") };
}

function objectOf(v: Valibot, path: string): Schema {
  const entries: Record<string, Schema> = {};
  for (const field of fieldsUnder(path)) {
    const key = path === "" ? field.path : field.path.slice(path.length + 1);
    entries[key] = v.optional(schemaOf(v, field));
  }
  return v.strictObject(entries);
}

function schemaOf(v: Valibot, field: Field): Schema {
  const inner = field.kind === "part" ? objectOf(v, field.path) : leafOf(v, field);
  return field.off === true ? v.lazy((input) => (input === false ? v.literal(false) : inner)) : inner;
}

function leafOf(v: Valibot, field: Field): Schema {
  if (field.kind === "choice") return v.picklist(field.choices ?? []);
  const whole = field.kind === "count" || field.kind === "bytes";
  return v.pipe(
    v.number(),
    v.check((n) => n >= field.min && (n <= field.max || (field.endless === true && n === Infinity))),
    v.check((n) => !whole || Number.isInteger(n) || n === Infinity),
  );
}

function problemOf(dotPath: string, input: unknown, type: string, source: string): ConfigProblem {
  const at = dotPath === "" ? source : `${source}.${dotPath}`;
  if (type === "strict_object" && dotPath !== "") {
    const parent = dotPath.includes(".") ? dotPath.slice(0, dotPath.lastIndexOf(".")) : "";
    const part = fieldAt(dotPath);
    if (part === undefined) return unknownKey(dotPath, parent, at);
  }
  const field = fieldAt(dotPath);
  if (field === undefined) return { path: at, given: shapeOf(input), allowed: "must be an object" };
  if (field.kind === "choice") {
    const meant = typeof input === "string" ? suggestion(input, field.choices ?? []) : "";
    return { path: at, given: shapeOf(input), allowed: allowedBy(field) + meant };
  }
  return { path: at, given: numberOrShape(input), allowed: allowedBy(field) + hintFor(field, input) };
}

function unknownKey(dotPath: string, parent: string, at: string): ConfigProblem {
  const key = parent === "" ? dotPath : dotPath.slice(parent.length + 1);
  const prefix = parent === "" ? "" : `${parent}.`;
  const known = fieldsUnder(parent).map((f) => f.path.slice(prefix.length));
  const all = parent === "" ? [...OWN_KEYS, ...known] : known;
  const near = closest(key, all);
  return {
    path: at,
    given: "is not a known option",
    allowed: near === undefined ? `known here are ${all.join(", ")}` : `did you mean ${prefix}${near}?`,
  };
}

function hintFor(field: Field, input: unknown): string {
  if (typeof input !== "string") return "";
  if (field.kind === "duration") return "; units such as 5s are for environment variables, here write 5000";
  return field.kind === "part" ? "" : "; write it without quotes";
}
