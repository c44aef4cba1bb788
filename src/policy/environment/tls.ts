/** TLS from environment variables: `REDIS_TLS…` for the server and `REDIS_SENTINEL_TLS…` for the Sentinels, read alike. */
import type { VariableReader } from "./variable-reader.js";

/** TLS options as the environment gives them: texts of files, not their names. */
export interface EnvironmentTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** What a group of TLS variables says. `on` undefined: nothing is set. */
export interface TlsVariables {
  readonly on: boolean | undefined;
  readonly options: EnvironmentTls;
}

/** The first of a group of variables, and the ioredis option that they make. */
export type TlsGroup = readonly [variable: "REDIS_TLS" | "REDIS_SENTINEL_TLS", option: "tls" | "sentinelTLS"];

/** Reads a group. A file, a name or `…_REJECT_UNAUTHORIZED` switches TLS on. */
export function readTls(reader: VariableReader, [variable, option]: TlsGroup): TlsVariables {
  const given = {
    ca: reader.pem(`${variable}_CA_FILE`, `${option}.ca`, "certificate"),
    cert: reader.pem(`${variable}_CERT_FILE`, `${option}.cert`, "certificate"),
    key: reader.pem(`${variable}_KEY_FILE`, `${option}.key`, "key"),
    servername: reader.text(`${variable}_SERVERNAME`, `${option}.servername`),
    rejectUnauthorized: reader.flag(`${variable}_REJECT_UNAUTHORIZED`, `${option}.rejectUnauthorized`),
  };
  const options: EnvironmentTls = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const isGiven = Object.keys(options).length > 0;
  const on = reader.flag(variable, option);
  if (on === false && isGiven) {
    reader.wrong(variable, "is off", `must be on, or the other ${reader.named(variable)}_ variables must go`);
  }
  if ((given.cert === undefined) !== (given.key === undefined)) {
    const missing = `is not given together with ${reader.named(`${variable}_KEY_FILE`)}`;
    reader.wrong(`${variable}_CERT_FILE`, missing, "a client certificate needs both");
  }
  if (isGiven && !reader.origins.has(option)) {
    const part = Object.keys(options)[0] ?? "";
    reader.origins.set(option, reader.origins.get(`${option}.${part}`) ?? reader.named(variable));
  }
  return { on: on ?? (isGiven ? true : undefined), options };
}
