/**
 * The policy file that `IOREDOUBT_CONFIG` names: JSON in the shape of the `resilience` option, so that operators change
 * limits without a build. It is read once, when a client is made. Texts such as "5s" are allowed where a number is.
 */
import type { ConfigProblem } from "../../failure/errors.js";
import { fieldAt } from "../fields.js";
import { parseValue } from "./parse.js";
import { shapeOf } from "../input/value-shape.js";
import { readText } from "./text-file.js";

const ONE_OBJECT =
  'must name a file with one JSON object, such as { "deadline": "2s" }: no comments, no comma at the end';

/** What a policy file says, and what is wrong with it. */
export interface PolicyFile {
  readonly values: Readonly<Record<string, unknown>>;
  readonly profile: unknown;
  readonly problems: readonly ConfigProblem[];
}

/** Reads and parses the file; unreadable or malformed is a problem, never an exception, and never shows its content. */
export function readPolicyFile(path: string, variable: string): PolicyFile {
  const broken = (given: string, allowed: string): PolicyFile => ({
    values: {},
    profile: undefined,
    problems: [{ path: variable, given, allowed }],
  });
  const file = readText(path);
  if (!("text" in file)) return broken(file.given, file.allowed);
  const { text } = file;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return broken(`names a file of ${text.length} characters that is not JSON`, ONE_OBJECT);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return broken(`names a file that holds ${shapeOf(parsed)}`, ONE_OBJECT);
  }
  const { profile, ...values } = parsed as Record<string, unknown>;
  return { values: readTexts(values, ""), profile, problems: [] };
}

/** Turns texts such as "5s" into numbers where the field is one; leaves the rest for the schema to judge. */
function readTexts(values: object, prefix: string): Record<string, unknown> {
  return Object.fromEntries(
    (Object.entries(values) as [string, unknown][]).map(([key, value]) => {
      const field = fieldAt(prefix + key);
      if (field?.kind === "part" && typeof value === "object" && value !== null) {
        return [key, readTexts(value, `${prefix}${key}.`)];
      }
      const isText =
        typeof value === "string" && field !== undefined && field.kind !== "choice" && field.kind !== "part";
      return [key, isText ? (parseValue(field, value) ?? value) : value];
    }),
  );
}
