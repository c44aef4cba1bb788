/**
 * Checks policy values of any source (the `resilience` option, a profile, the policy file, a variable) against the field
 * table, with valibot doing the walking. valibot is loaded on first use: a client without policy values of its own never
 * pays for it.
 */
import { createRequire } from "node:module";
import type { ConfigProblem } from "../failure/errors.js";
import { allowedBy, fieldAt, fieldsUnder, type Field } from "./fields.js";
import { closest, numberOrShape, shapeOf, suggestion } from "./shape.js";

type Valibot = typeof import("valibot");
type Schema = import("valibot").GenericSchema;

/** Where values come from, as its problems name it. */
export interface ValueSource {
  /** A value in a message: `resilience.retry.retries`, `profile x: deadline`. `""` is the source itself. */
  readonly at: (path: string) => string;
  /** Keys beside the fields that may stand at the top. */
  readonly ownKeys: readonly string[];
  /** Durations and sizes may be texts with a unit. */
  readonly units?: boolean;
}

let loaded: { readonly v: Valibot; readonly schema: Schema } | undefined;

/** Every problem in the policy values of one source. */
export function checkValues(values: unknown, source: ValueSource): ConfigProblem[] {
  if (typeof values === "object" && values !== null && Object.keys(values).length === 0) return [];
  loaded ??= load();
  const { v, schema } = loaded;
  const { success, issues } = v.safeParse(schema, values);
  const wrong = success ? [] : issues.map((issue) => problemOf(v.getDotPath(issue) ?? "", issue.input, source));
  return [...wrong, ...unknownKeys(values, "", source)];
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
  return v.object(entries);
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

function problemOf(path: string, input: unknown, source: ValueSource): ConfigProblem {
  const field = fieldAt(path);
  const at = source.at(path);
  if (field === undefined) return { path: at, given: shapeOf(input), allowed: "must be an object" };
  if (field.kind === "choice") {
    const meant = typeof input === "string" ? suggestion(input, field.choices ?? []) : "";
    return { path: at, given: shapeOf(input), allowed: allowedBy(field) + meant };
  }
  return { path: at, given: numberOrShape(input), allowed: allowedBy(field) + hintFor(field, input, source) };
}

/** Here and not in the schema, which would stop at the first one of each object. */
function unknownKeys(values: unknown, path: string, source: ValueSource): ConfigProblem[] {
  if (typeof values !== "object" || values === null || Array.isArray(values)) return [];
  const prefix = path === "" ? "" : `${path}.`;
  const known = fieldsUnder(path).map((field) => field.path.slice(prefix.length));
  return Object.entries(values as Record<string, unknown>).flatMap(([key, value]) => {
    if (known.includes(key)) {
      return fieldAt(prefix + key)?.kind === "part" ? unknownKeys(value, prefix + key, source) : [];
    }
    const here = path === "" ? [...source.ownKeys, ...known] : known;
    const near = closest(key, here);
    return [
      {
        path: source.at(prefix + key),
        given: "is not a known option",
        allowed: near === undefined ? `known here are ${here.join(", ")}` : `did you mean ${prefix}${near}?`,
      },
    ];
  });
}

function hintFor(field: Field, input: unknown, source: ValueSource): string {
  if (typeof input !== "string" || field.kind === "part") return "";
  if (field.kind !== "duration" && field.kind !== "bytes") return "; write it without quotes";
  const [text, number] = field.kind === "duration" ? ["5s", "5000"] : ["64MB", "67108864"];
  return source.units === true
    ? `, or a text such as "${text}"`
    : `; units such as ${text} are for environment variables and the policy file, here write ${number}`;
}
