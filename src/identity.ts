/** Numbers for objects and functions, so that what is the same can be told by a text. */
const ids = new WeakMap<object, number>();
let lastId = 0;

/** `object 3`: the same text for the same object, as long as the process lives. */
export function idOf(value: object): string {
  let id = ids.get(value);
  if (id === undefined) ids.set(value, (id = ++lastId));
  return `object ${String(id)}`;
}
