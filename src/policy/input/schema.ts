/**
 * Checks policy values of any source (the `resilience` option, a profile, the policy file, a variable) against the field
 * table, with valibot doing the walking. The schema of a part is made when a value of that part is first checked: most
 * clients set a handful of values, and making all of it would be a good part of a service's start.
 */
import {
  check,
  getDotPath,
  lazy,
  literal,
  number,
  object,
  optional,
  picklist,
  pipe,
  safeParse,
  type GenericSchema,
} from "valibot";
import type { ConfigProblem } from "../../failure/errors.js";
import { allowedBy, fieldAt, fieldsUnder, type Field } from "../fields.js";
import { closest, suggestion } from "../../suggest.js";
import { fieldsMeant } from "../meant.js";
import { numberOrShape, shapeOf } from "./value-shape.js";

/** Where values come from, as its problems name it. */
export interface ValueSource {
  /** A value in a message: `resilience.retry.retries`, `profile x: deadline`. `""` is the source itself. */
  readonly at: (path: string) => string;
  /** Keys beside the fields that may stand at the top. */
  readonly ownKeys: readonly string[];
  /** Durations and sizes may be texts with a unit. */
  readonly units?: boolean;
}

/** Every problem in the policy values of one source. */
export function checkValues(values: unknown, source: ValueSource): ConfigProblem[] {
  if (typeof values === "object" && values !== null && Object.keys(values).length === 0) return [];
  const { success, issues } = safeParse(schemaUnder(""), values);
  const wrong = success ? [] : issues.map((issue) => problemOf(getDotPath(issue) ?? "", issue.input, source));
  return [...wrong, ...unknownKeys(values, "", source)];
}

const made = new Map<string, GenericSchema>();

/** The schema of a part, or of all values for `""`. */
function schemaUnder(path: string): GenericSchema {
  let schema = made.get(path);
  if (schema === undefined) {
    const prefix = path === "" ? 0 : path.length + 1;
    schema = object(
      Object.fromEntries(fieldsUnder(path).map((field) => [field.path.slice(prefix), optional(schemaOf(field))])),
    );
    made.set(path, schema);
  }
  return schema;
}

function schemaOf(field: Field): GenericSchema {
  return lazy((input) => {
    if (field.off === true && input === false) return literal(false);
    return field.kind === "part" ? schemaUnder(field.path) : leafOf(field);
  });
}

function leafOf(field: Field): GenericSchema {
  if (field.kind === "choice") return picklist(field.choices ?? []);
  const whole = field.kind === "count" || field.kind === "bytes";
  return pipe(
    number(),
    check((n) => n >= field.min && (n <= field.max || (field.endless === true && n === Infinity))),
    check((n) => !whole || Number.isInteger(n) || n === Infinity),
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
    const meant = path === "" ? fieldsMeant(key)[0] : undefined;
    const near = meant ?? closest(key, here);
    return [
      {
        // A key that is no name may be a value, or an address with its password.
        path: source.at(prefix + (/^\w[\w.-]{0,63}$/.test(key) ? key : `a key of ${key.length} characters`)),
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
