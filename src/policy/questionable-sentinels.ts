/**
 * Data: where TLS was meant and ioredis dials in plain text. Behind Sentinels it reads `tls` only where
 * `enableTLSForSentinelMode` is true, and neither says anything of the Sentinels themselves, which have `sentinelTLS`.
 */
import { isTls } from "./is-tls.js";

type Redis = Readonly<Record<string, unknown>>;

const PLAIN = "the master and its replicas are dialled in plain text, the password included";

function hasSentinels(redis: Redis): boolean {
  return Array.isArray(redis["sentinels"]);
}

/** Rows of `QUESTIONABLE`. A switch that is off is an answer, and asks for no warning. */
export const SENTINEL_TLS: readonly (readonly [
  path: string,
  check: (scene: { readonly redis: Redis }) => string | undefined,
])[] = [
  [
    "tls",
    ({ redis }) =>
      hasSentinels(redis) && isTls(redis["tls"]) && redis["enableTLSForSentinelMode"] === undefined
        ? `is ignored behind Sentinels, so ${PLAIN}; set enableTLSForSentinelMode to true, or to false if that is meant`
        : undefined,
  ],
  [
    "enableTLSForSentinelMode",
    ({ redis }) =>
      hasSentinels(redis) && redis["enableTLSForSentinelMode"] === true && !isTls(redis["tls"])
        ? `is true without tls, so ${PLAIN}; write tls: {}`
        : undefined,
  ],
  [
    "sentinelTLS",
    ({ redis }) =>
      hasSentinels(redis) &&
      isTls(redis["sentinelTLS"]) &&
      !isTls(redis["tls"]) &&
      redis["enableTLSForSentinelMode"] === undefined
        ? `is for the Sentinels only, and ${PLAIN}; write tls: {} with enableTLSForSentinelMode: true (REDIS_TLS=on), or enableTLSForSentinelMode: false (REDIS_TLS=off) if that is meant`
        : undefined,
  ],
  [
    "sentinelUsername",
    ({ redis }) =>
      !isText(redis["sentinelUsername"]) || isText(redis["sentinelPassword"])
        ? undefined
        : typeof redis["sentinelCredentials"] === "function"
          ? "is not used beside sentinelCredentials: let that function return it"
          : "is given without sentinelPassword, so nobody is logged in at the Sentinels",
  ],
];

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}
