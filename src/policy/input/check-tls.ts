/** Checks TLS options for what Node takes without a word and fails on later, or in the middle of a connection attempt. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { ConfigProblem } from "../../failure/errors.js";
import { shapeOf } from "./value-shape.js";

const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
const PEM = { ca: "certificate", cert: "certificate", key: "key" } as const;
const PEM_ADVICE = {
  "not-pem": "must be the text in PEM, with -----BEGIN in it: read the file first",
  "written-breaks":
    'must have line breaks where it has \\n written out, as in .env files: text.replaceAll("\\\\n", "\\n")',
  damaged: "must be a certificate (ca, cert) or private key (key) in PEM: this text is damaged, or is something else",
} as const;

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
  ];
  const wrong = checks
    .filter(([key, isRight]) => given[key] !== undefined && given[key] !== null && !isRight(given[key]))
    .map(([key, , allowed]) => ({ path: `${path}.${key}`, given: shapeOf(given[key]), allowed }));
  const unreadable = Object.entries(PEM).flatMap(([key, kind]) => {
    const mistake = [given[key]]
      .flat()
      .map((text) => pemMistake(text, kind))
      .find((one) => one !== undefined);
    if (mistake === undefined) return [];
    return [{ path: `${path}.${key}`, given: shapeOf(given[key]), allowed: PEM_ADVICE[mistake] }];
  });
  return [...wrong, ...unreadable];
}

/** What keeps Node from reading a text as a certificate or key. `written-breaks`: line breaks became the two characters `\\n`. */
export type PemMistake = keyof typeof PEM_ADVICE;

/**
 * What is wrong with a certificate or key in PEM, or `undefined`. OpenSSL is asked: without this Node takes an authority it cannot
 * read without a word. What is no text is left to Node, and so is an encrypted key, which needs its passphrase.
 */
export function pemMistake(text: unknown, kind: "certificate" | "key"): PemMistake | undefined {
  if (typeof text !== "string" || (kind === "key" && text.includes("ENCRYPTED"))) return undefined;
  try {
    if (kind === "key") createPrivateKey(text);
    else new X509Certificate(text);
    return undefined;
  } catch {
    if (!text.includes("-----BEGIN")) return "not-pem";
    return text.includes("\\n") ? "written-breaks" : "damaged";
  }
}
