/** Numbers for objects and functions, by which it can be told in a text which of them are the same. */
const ids = new WeakMap<object, number>();
let lastId = 0;

/** The same number for the same object, as long as the process lives. */
export function idOf(value: object): number {
  let id = ids.get(value);
  if (id === undefined) ids.set(value, (id = ++lastId));
  return id;
}
