/** Checks TLS options for what Node takes without a word and fails on later, or in the middle of a connection attempt. */
import type { ConfigProblem } from "../../failure/errors.js";
import { shapeOf } from "./value-shape.js";

const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
const PEM = ["ca", "cert", "key"];
const NOT_PEM = "must be the text in PEM, with -----BEGIN in it: read the file first";
const WRITTEN = 'must have line breaks where it has \\n written out, as in .env files: text.replaceAll("\\\\n", "\\n")';

/** Every problem in a `tls` option. */
export function checkTls(tls: unknown, path: string): ConfigProblem[] {
  if (tls === undefined || tls === null || typeof tls === "boolean") return [];
  if (tls === "" || tls === "RedisCloudFixed" || tls === "RedisCloudFlexible") return [];
  if (typeof tls !== "object" || Array.isArray(tls)) {
    const allowed = "must be an object of TLS options ({} for the defaults), a profile name of ioredis, or true";
    return [{ path, given: shapeOf(tls), allowed }];
  }
  const given = tls as Readonly<Record<string, unknown>>;
  const checks: [key: string, isRight: (value: unknown) => boolean, allowed: string][] = [
    ["rejectUnauthorized", (value) => typeof value === "boolean", "must be true or false, without quotes"],
    ["checkServerIdentity", (value) => typeof value === "function", "must be a function"],
    ["servername", (value) => typeof value === "string", "must be a host name"],
    ...["minVersion", "maxVersion"].map((key): (typeof checks)[number] => [
      key,
      (value) => VERSIONS.includes(value as string),
      `must be one of ${VERSIONS.join(", ")}`,
    ]),
    ...PEM.map((key): (typeof checks)[number] => [key, (value) => [value].flat().every(maybePem), NOT_PEM]),
    ...PEM.map((key): (typeof checks)[number] => [key, (value) => ![value].flat().some(hasWrittenBreaks), WRITTEN]),
  ];
  return checks
    .filter(([key, isRight]) => given[key] !== undefined && given[key] !== null && !isRight(given[key]))
    .map(([key, , allowed]) => ({ path: `${path}.${key}`, given: shapeOf(given[key]), allowed }));
}

/** Whether text can be a certificate or key; anything that is no text is left to Node. */
export function maybePem(text: unknown): boolean {
  return typeof text !== "string" || text.includes("-----BEGIN");
}

/** Whether line breaks were left as the two characters `\n`. Node finds no certificate in such text and says nothing. */
export function hasWrittenBreaks(text: unknown): boolean {
  return typeof text === "string" && text.includes("\\n");
}
