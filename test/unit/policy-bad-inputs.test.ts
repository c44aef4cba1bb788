/** Every wrong input is answered with the right place and advice, and never with the text that was given. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createRedis } from "../../src/create-redis.js";
import { ConfigError } from "../../src/failure/errors.js";
import { checkRedisArguments } from "../../src/policy/input/arguments.js";
import { defineProfile } from "../../src/policy/define-profile.js";
import { resolveFromEnvironment } from "../../src/policy/environment/from-environment.js";

const SECRET = "hunter2-Tr0ub4dor";
const folder = mkdtempSync(join(tmpdir(), "options-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function pipe(name: string): string {
  const path = join(folder, name);
  execFileSync("mkfifo", [path]);
  return path;
}

function latin1(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content, "latin1");
  return path;
}

type Row = readonly [name: string, run: () => void, path: string, advice: RegExp];

const args =
  (...list: unknown[]): (() => void) =>
  () =>
    checkRedisArguments(list);
const option = (options: object): (() => void) => args({ host: "h", password: SECRET, ...options });
const resilience = (value: unknown): (() => void) => args(`redis://:${SECRET}@h:6379`, { resilience: value });
const env =
  (variables: Record<string, string>, prefix?: string): (() => void) =>
  () =>
    void resolveFromEnvironment({ REDIS_URL: `redis://u:${SECRET}@h:6379`, ...variables }, { prefix });
const bare =
  (variables: Record<string, string>): (() => void) =>
  () =>
    void resolveFromEnvironment(variables);
const anything = (value: unknown): never => value as never;
const fromEnv =
  (options: object): (() => void) =>
  () =>
    void resolveFromEnvironment({ REDIS_URL: `redis://u:${SECRET}@h:6379` }, options);
const either =
  (options: object): (() => void) =>
  () =>
    void createRedis.fromEnv({ REDIS_URL: `redis://u:${SECRET}@h:6379` }, options);
const cycle = (): object => {
  const profile = { name: "x", extends: [] as unknown[], values: {} };
  profile.extends.push(profile);
  return profile;
};

const ROWS: readonly Row[] = [
  // what is there but missing
  ["undefined for a URL", args(undefined), "url", /check the variable/],
  ["undefined before options", args(undefined, { password: SECRET }), "url", /without arguments for localhost/],
  ["null for a URL", args(null), "url", /must be a URL/],
  ["an empty URL", args(""), "url", /check that the variable it comes from is set/],
  ["a blank URL", args("   "), "url", /check that the variable/],
  ["the text undefined", args("undefined"), "url", /text of a missing value/],
  ["undefined for a host after a port", args(6379, undefined), "host", /leave it out for localhost/],
  ["a missing host inside a URL", args(`redis://:${SECRET}@undefined:6379`), "url", /missing value as host/],
  // URLs
  ["a quoted URL", args(`"redis://:${SECRET}@h:6379"`), "url", /quotes/],
  ["a URL with a closing quote only", args(`redis://:${SECRET}@h:6379'`), "url", /quotes/],
  ["a line break at the end", args(`redis://:${SECRET}@h:6379\n`), "url", /spaces or line breaks/],
  ["a space in the password", args(`redis://:${SECRET} x@h:6379`), "url", /spaces/],
  ["an http URL", args(`http://:${SECRET}@h:6379`), "url", /HTTP address/],
  ["an https URL", args(`https://${SECRET}.example`), "url", /HTTP address/],
  ["a Sentinel URL", args(`redis-sentinel://:${SECRET}@h:26379/mymaster`), "url", /sentinels: \[/],
  ["a unix URL with two slashes", args(`unix://run/${SECRET}.sock`), "url", /plain path/],
  ["a unix URL whose password cannot be read", args(`unix://:${SECRET}%@/run/redis.sock`), "url", /plain path/],
  ["a misspelt scheme", args(`reddis://:${SECRET}@h`), "url", /redis:\/\/ or rediss:\/\//],
  ["a scheme without slashes", args(`redis:h`), "url", /two slashes/],
  ["# in the password", args(`redis://:${SECRET}#x@h:6379`), "url", /encodeURIComponent/],
  ["# after digits in the password", args(`redis://user:12#${SECRET}@h:6379`), "url", /encodeURIComponent/],
  ["? in the password", args(`redis://user:12?${SECRET}@h:6379`), "url", /encodeURIComponent/],
  ["/ in the password", args(`redis://user:12/${SECRET}@h:6379`), "url", /encodeURIComponent/],
  ["% in the password", args(`redis://user:${SECRET}%@h:6379`), "url", /encodeURIComponent/],
  ["%zz in the user name", args(`redis://${SECRET}%zz:p@h:6379`), "url", /encodeURIComponent/],
  ["[ in the host", args(`redis://:${SECRET}@[h:6379`), "url", /encodeURIComponent/],
  ["a port out of range in a URL", args("redis://h:70000"), "url", /port/],
  ["port zero in a URL", args(`redis://:${SECRET}@h:0`), "url", /1 to 65535/],
  ["no host", args("redis://"), "url", /no host/],
  ["a database that is no number", args(`redis://h:6379/${SECRET}`), "url", /database number/],
  ["a database without a scheme", args("h:6379/2"), "url", /begin with redis:\/\//],
  ["tls in the query", args(`redis://:${SECRET}@h:6379?tls=true`), "url", /rediss:\/\//],
  ["an unreplaced placeholder", args("redis://${REDIS_HOST}:6379"), "url", /placeholder/],
  ["a URL object", args(new URL(`redis://:${SECRET}@h`)), "argument 1", /url\.href/],
  ["an array", args([{ host: "h" }]), "argument 1", /new Cluster\(nodes\)/],
  ["a promise", args(Promise.resolve(SECRET)), "argument 1", /await the promise/],
  ["bytes", args(Buffer.from(SECRET)), "argument 1", /the text of these bytes/],
  ["two URLs", args("redis://a", `redis://:${SECRET}@b`), "argument 2", /first argument says already/],
  ["a boolean", args(true), "argument 1", /must be a URL/],
  ["a function", args(() => SECRET), "argument 1", /must be a URL/],
  // ports and hosts
  ["port NaN", args(Number.NaN), "port", /1 to 65535/],
  ["a negative port", args(-1), "port", /1 to 65535/],
  ["a fractional port", args(63.79), "port", /whole number/],
  ["a port out of range as text", args("70000"), "port", /1 to 65535/],
  ["a host with its port", option({ host: "127.0.0.1:6379" }), "host", /port apart/],
  ["a host with its port after a port", args(6379, "h:6379"), "host", /port apart/],
  ["a URL as host", option({ host: `redis://:${SECRET}@h` }), "host", /first argument/],
  ["credentials in the host", option({ host: `u:${SECRET}@h` }), "host", /options of their own/],
  ["a blank in the host", option({ host: `my ${SECRET}` }), "host", /spaces/],
  ["an empty host", option({ host: "" }), "host", /not be empty/],
  [
    "an empty host of a Sentinel",
    option({ sentinels: [{ host: "" }], name: "m" }),
    "sentinels[0].host",
    /not be empty/,
  ],
  ["a number as host", option({ host: 127 }), "host", /must be a host name/],
  ["a quoted host", option({ host: '"h"' }), "host", /quotes/],
  ["an address in brackets", option({ host: "[::1]" }), "host", /without brackets/],
  ["a port that is no number", option({ port: SECRET }), "port", /1 to 65535/],
  ["port zero", option({ port: 0 }), "port", /1 to 65535/],
  ["a null port", option({ port: null }), "port", /1 to 65535/],
  // ioredis options
  ["db NaN", option({ db: Number.NaN }), "db", /whole number/],
  ["a negative db", option({ db: -1 }), "db", /from 0/],
  ["a secret as db", option({ db: SECRET }), "db", /whole number/],
  ["connectTimeout Infinity", option({ connectTimeout: Infinity }), "connectTimeout", /2147483647/],
  ["a negative connectTimeout", option({ connectTimeout: -5 }), "connectTimeout", /from 0/],
  ["connectTimeout with a unit", option({ connectTimeout: "10s" }), "connectTimeout", /whole number/],
  ["commandTimeout zero", option({ commandTimeout: 0 }), "commandTimeout", /from 1/],
  ["keepAlive as text", option({ keepAlive: SECRET }), "keepAlive", /whole number/],
  ["family 5", option({ family: 5 }), "family", /4, 6, or 0/],
  ["protocol 4", option({ protocol: 4 }), "protocol", /2 or 3/],
  ["a negative maxRetriesPerRequest", option({ maxRetriesPerRequest: -1 }), "maxRetriesPerRequest", /from 0/],
  ["maxRetriesPerRequest as text", option({ maxRetriesPerRequest: "null" }), "maxRetriesPerRequest", /whole number/],
  ["a number too long for a password", option({ password: 12345678901234567890 }), "password", /lost digits/],
  ["a fraction as password", option({ password: 1.5 }), "password", /lost digits/],
  ["an object as user name", option({ username: { name: SECRET } }), "username", /must be a string/],
  [
    "a switch in quotes",
    option({ lazyConnect: "false" }),
    "lazyConnect",
    /without quotes; ioredis takes this text for true/,
  ],
  ["enableOfflineQueue as number", option({ enableOfflineQueue: 2 }), "enableOfflineQueue", /true or false/],
  ["the text false for TLS", option({ tls: "false" }), "tls", /object of TLS options/],
  ["a path for a CA", option({ tls: { ca: `/etc/${SECRET}.pem` } }), "tls.ca", /PEM/],
  ["a path among CAs", option({ tls: { ca: ["-----BEGIN", SECRET] } }), "tls.ca", /PEM/],
  ["a switch of TLS in quotes", option({ tls: { rejectUnauthorized: "false" } }), "tls.rejectUnauthorized", /quotes/],
  ["a TLS version", option({ tls: { minVersion: "1.2" } }), "tls.minVersion", /TLSv1\.2/],
  ["a placeholder for a host", option({ host: "${REDIS_HOST}" }), "host", /placeholder/],
  ["bind's pattern for a host", option({ host: "*" }), "host", /pattern/],
  ["tls as text", option({ tls: SECRET }), "tls", /object of TLS options/],
  ["retryStrategy as number", option({ retryStrategy: 100 }), "retryStrategy", /function/],
  ["Sentinels without a name", option({ sentinels: [{ host: "s", port: 26379 }] }), "name", /master set/],
  ["no Sentinels", option({ sentinels: [], name: "m" }), "sentinels", /at least one/],
  ["a Sentinel as text", option({ sentinels: [SECRET], name: "m" }), "sentinels[0]", /host, port/],
  ["a Sentinel's port", option({ sentinels: [{ host: "s", port: 0 }], name: "m" }), "sentinels[0].port", /1 to 65535/],
  ["resilience misspelt", option({ resilence: {} }), "resilence", /did you mean resilience/],
  // resilience
  ["resilience as text", resilience(SECRET), "resilience", /must be an object/],
  ["resilience as array", resilience([]), "resilience", /must be an object/],
  ["an unknown key", resilience({ timeoutt: 1 }), "resilience.timeoutt", /known here are/],
  ["retries at the top", resilience({ retries: 3 }), "resilience.retries", /did you mean retry\.retries\?/],
  ["another library's timeout", resilience({ timeout: 3 }), "resilience.timeout", /did you mean deadline\?/],
  ["a circuit breaker", resilience({ circuitBreaker: {} }), "resilience.circuitBreaker", /did you mean breaker\?/],
  [
    "a key without its part",
    resilience({ resetTimeout: 1 }),
    "resilience.resetTimeout",
    /mean breaker\.resetTimeout\?/,
  ],
  ["a misspelt key", resilience({ deadlne: 1 }), "resilience.deadlne", /did you mean deadline/],
  [
    "a misspelt key inside a part",
    resilience({ retry: { retrys: 2 } }),
    "resilience.retry.retrys",
    /did you mean retry\.retries/,
  ],
  [
    "a misspelt key two levels down",
    resilience({ retry: { budget: { token: 1 } } }),
    "resilience.retry.budget.token",
    /retry\.budget\.tokens/,
  ],
  ["a misspelt profile", resilience({ profile: "prodution" }), "resilience.profile", /did you mean production/],
  ["a secret as profile", resilience({ profile: SECRET }), "resilience.profile", /must be one of/],
  ["no profiles", resilience({ profile: [] }), "resilience.profile", /at least one/],
  ["a hole among profiles", resilience({ profile: ["test", undefined] }), "resilience.profile[1]", /must be a profile/],
  ["a number as profile", resilience({ profile: 3 }), "resilience.profile", /defineProfile/],
  ["a deadline with a unit", resilience({ deadline: "5s" }), "resilience.deadline", /environment variables/],
  ["a deadline in quotes", resilience({ deadline: SECRET }), "resilience.deadline", /milliseconds/],
  ["deadline zero", resilience({ deadline: 0 }), "resilience.deadline", /1 to 2147483647, or false/],
  ["deadline true", resilience({ deadline: true }), "resilience.deadline", /milliseconds/],
  ["deadline Infinity", resilience({ deadline: Infinity }), "resilience.deadline", /false to switch it off/],
  ["deadline beyond a timer", resilience({ deadline: 3e9 }), "resilience.deadline", /2147483647/],
  ["deadline NaN", resilience({ deadline: Number.NaN }), "resilience.deadline", /milliseconds/],
  ["negative retries", resilience({ retry: { retries: -1 } }), "resilience.retry.retries", /from 0 to 1000/],
  ["fractional retries", resilience({ retry: { retries: 1.5 } }), "resilience.retry.retries", /whole number/],
  ["retry as number", resilience({ retry: 3 }), "resilience.retry", /object with retries/],
  ["retry true", resilience({ retry: true }), "resilience.retry", /or false to switch it off/],
  ["factor below one", resilience({ retry: { factor: 0.5 } }), "resilience.retry.factor", /from 1 to 10/],
  [
    "an unknown ambiguous",
    resilience({ retry: { ambiguous: "replays" } }),
    "resilience.retry.ambiguous",
    /did you mean replay/,
  ],
  ["a secret as choice", resilience({ queue: { wait: SECRET } }), "resilience.queue.wait", /"deadline", "forever"/],
  [
    "a percentage of 0",
    resilience({ breaker: { errorThresholdPercentage: 0 } }),
    "resilience.breaker.errorThresholdPercentage",
    /1 to 100/,
  ],
  [
    "a percentage as text",
    resilience({ breaker: { errorThresholdPercentage: "50%" } }),
    "resilience.breaker.errorThresholdPercentage",
    /without quotes/,
  ],
  [
    "a ratio beyond 100",
    resilience({ breaker: { errorThresholdPercentage: 101 } }),
    "resilience.breaker.errorThresholdPercentage",
    /1 to 100/,
  ],
  ["a queue of zero", resilience({ queue: { maxCommands: 0 } }), "resilience.queue.maxCommands", /at least 1/],
  ["a negative size", resilience({ queue: { maxBytes: -1 } }), "resilience.queue.maxBytes", /bytes/],
  ["pool false", resilience({ pool: false }), "resilience.pool", /object with size/],
  ["reconnect false", resilience({ reconnect: false }), "resilience.reconnect", /object with minTimeout/],
  ["a fallback that is no function", resilience({ fallback: SECRET }), "resilience.fallback", /function/],
  ["a logger that is none", resilience({ logger: { info() {} } }), "resilience.logger", /pino-shaped/],
  ["a URL as name", resilience({ name: `redis://:${SECRET}@h` }), "resilience.name", /letters, digits/],
  ["an empty name", resilience({ name: "" }), "resilience.name", /letters, digits/],
  ["a doctor that is no switch", resilience({ doctor: SECRET }), "resilience.doctor", /true or false/],
  ["the second of two unknown keys", resilience({ quux: 1, deadlne: 1 }), "resilience.deadlne", /mean deadline/],
  ["the key __proto__", resilience(JSON.parse(`{"__proto__":{"deadline":1}}`)), "resilience.__proto__", /known here/],
  ["the key constructor", resilience({ constructor: SECRET }), "resilience.constructor", /known here/],
  ["the profile __proto__", resilience({ profile: "__proto__" }), "resilience.profile", /must be one of/],
  [
    "a profile that was not made by defineProfile",
    resilience({ profile: { name: "x", extends: [], values: { deadline: -5 } } }),
    "resilience.profile",
    /what defineProfile returned/,
  ],
  ["a profile that extends itself", resilience({ profile: cycle() }), "resilience.profile", /what defineProfile/],
  ["an unknown provider", resilience({ provider: "upstsh" }), "resilience.provider", /did you mean upstash/],
  // environment
  ["nothing set", bare({}), "REDIS_URL", /redis:\/\/localhost:6379/],
  ["an empty REDIS_URL", bare({ REDIS_URL: "" }), "REDIS_URL", /remove it/],
  ["a bad REDIS_URL", bare({ REDIS_URL: `redis://:${SECRET}#@h` }), "REDIS_URL", /encodeURIComponent/],
  ["a synonym", bare({ REDIS_HOST: "h", REDIS_PASS: SECRET }), "REDIS_PASS", /did you mean REDIS_PASSWORD/],
  ["a slip", bare({ REDIS_HOST: "h", REDIS_PASWORD: SECRET }), "REDIS_PASWORD", /did you mean REDIS_PASSWORD/],
  ["a host with its port in the environment", bare({ REDIS_HOST: "h:6379" }), "REDIS_HOST", /port apart/],
  ["a port that is a secret", bare({ REDIS_HOST: "h", REDIS_PORT: SECRET }), "REDIS_PORT", /1 to 65535/],
  // what env files and templates leave in values
  ["quotes that stayed in a number", bare({ REDIS_HOST: "h", REDIS_PORT: '"6379"' }), "REDIS_PORT", /quotes became/],
  ["quotes that stayed in a user", env({ REDIS_USERNAME: `"${SECRET}"` }), "REDIS_USERNAME", /quotes became part/],
  ["quotes that stayed in a switch", env({ REDIS_TLS: '"true"' }), "REDIS_TLS", /quotes became part/],
  ["quotes around a path", env({ REDIS_PASSWORD_FILE: `'/run/${SECRET}'` }), "REDIS_PASSWORD_FILE", /quotes became/],
  ["quotes around a profile", env({ IOREDOUBT_PROFILE: '"cache"' }), "IOREDOUBT_PROFILE", /quotes became part/],
  ["a comment behind a duration", env({ IOREDOUBT_DEADLINE: "5s # soon" }), "IOREDOUBT_DEADLINE", /comment behind/],
  ["a comment behind a URL", bare({ REDIS_URL: `redis://:${SECRET}@h # x` }), "REDIS_URL", /comment behind/],
  ["a placeholder for a duration", env({ IOREDOUBT_DEADLINE: "${D}" }), "IOREDOUBT_DEADLINE", /placeholder/],
  ["a placeholder with blanks in a URL", args(`redis://:{{ pw }}@${SECRET}`), "url", /placeholder/],
  ["a shell variable for a host", args(`redis://:${SECRET}@$REDIS_HOST:6379`), "url", /placeholder/],
  ["a shell variable for a password", args(`redis://:$REDIS_PASSWORD@${SECRET}`), "url", /placeholder/],
  ["a shell variable alone", env({ REDIS_PASSWORD: "$REDIS_PASSWORD" }), "REDIS_PASSWORD", /value itself/],
  [
    "a secret with two line breaks behind it",
    bare({ REDIS_HOST: "h", REDIS_PASSWORD_FILE: file("breaks", `${SECRET}\n\n`) }),
    "REDIS_PASSWORD_FILE",
    /leave one at most/,
  ],
  [
    "a certificate in place of its path",
    env({ REDIS_TLS_CA_FILE: `-----BEGIN CERTIFICATE-----\n${SECRET}` }),
    "REDIS_TLS_CA_FILE",
    /path of the file/,
  ],
  ["a certificate under another name", env({ REDIS_TLS_CA: SECRET }), "REDIS_TLS_CA", /did you mean REDIS_TLS_CA_FILE/],
  [
    "a file with \\n written out",
    env({ REDIS_TLS_CA_FILE: file("written", `-----BEGIN CERTIFICATE-----\\n${SECRET}`) }),
    "REDIS_TLS_CA_FILE",
    /line breaks in their place/,
  ],
  [
    "a file with a damaged certificate",
    env({ REDIS_TLS_CA_FILE: file("damaged", `-----BEGIN CERTIFICATE-----\n${SECRET}\n-----END CERTIFICATE-----`) }),
    "REDIS_TLS_CA_FILE",
    /undamaged/,
  ],
  [
    "a certificate in place of a key",
    option({ tls: { key: `-----BEGIN CERTIFICATE-----\n${SECRET}\n-----END CERTIFICATE-----` } }),
    "tls.key",
    /or is something else/,
  ],
  [
    "a certificate with \\n written out",
    option({ tls: { ca: `-----BEGIN CERTIFICATE-----\\n${SECRET}` } }),
    "tls.ca",
    /replaceAll/,
  ],
  [
    "TLS under another name",
    bare({ REDIS_HOST: "h", REDIS_TLS_ENABLED: "yes" }),
    "REDIS_TLS_ENABLED",
    /mean REDIS_TLS/,
  ],
  ["a URL for a host", bare({ REDIS_HOST: `redis://:${SECRET}@h` }), "REDIS_HOST", /belongs in REDIS_URL/],
  ["several hosts in a URL", args(`redis://:${SECRET}@a:6379,b:6379`), "url", /one host.*REDIS_SENTINELS/],
  [
    "another client's connection string",
    args(`h.redis.cache.windows.net:6380,password=${SECRET},ssl=True`),
    "url",
    /connection string of another client/,
  ],
  [
    "the address in a variable of another name",
    bare({ REDIS_TLS_URL: `rediss://:${SECRET}@h` }),
    "REDIS_URL",
    /REDIS_TLS_URL holds the address of a Redis/,
  ],
  [
    "another library's name",
    env({ IOREDOUBT_RETRY_ATTEMPTS: "4" }),
    "IOREDOUBT_RETRY_ATTEMPTS",
    /mean IOREDOUBT_RETRY_RETRIES\?/,
  ],
  [
    "a value without its part",
    env({ IOREDOUBT_RESET_TIMEOUT: "1s" }),
    "IOREDOUBT_RESET_TIMEOUT",
    /mean IOREDOUBT_BREAKER_RESET_TIMEOUT\?/,
  ],
  [
    "one that two parts have",
    env({ IOREDOUBT_MIN_TIMEOUT: "1s" }),
    "IOREDOUBT_MIN_TIMEOUT",
    /RETRY_MIN_TIMEOUT or IOREDOUBT_RECONNECT/,
  ],
  [
    "a part that has no switch",
    env({ IOREDOUBT_RECONNECT: "off" }),
    "IOREDOUBT_RECONNECT",
    /known here are IOREDOUBT_RECONNECT_MIN/,
  ],
  ["a variable for what is code", env({ IOREDOUBT_LOGGER: "off" }), "IOREDOUBT_LOGGER", /resilience.logger in code/],
  [
    "a number for a part",
    env({ IOREDOUBT_RETRY: "3" }),
    "IOREDOUBT_RETRY",
    /on or off; its values are IOREDOUBT_RETRY_RETRIES/,
  ],
  ["none where off is meant", env({ IOREDOUBT_DEADLINE: "none" }), "IOREDOUBT_DEADLINE", /, or off$/],
  [
    "a word for no limit",
    env({ IOREDOUBT_QUEUE_MAX_COMMANDS: "none" }),
    "IOREDOUBT_QUEUE_MAX_COMMANDS",
    /or unlimited$/,
  ],
  ["a profile cut short", env({ IOREDOUBT_PROFILE: "prod" }), "IOREDOUBT_PROFILE", /did you mean production\?/],
  [
    "several profiles in one text",
    resilience({ profile: "staging+cache" }),
    "resilience.profile",
    /several are an array/,
  ],
  [
    "a provider in a profile",
    () => defineProfile("hosted", anything({ provider: "aws" })),
    "profile hosted: provider",
    /IOREDOUBT_PROVIDER/,
  ],
  [
    "a key that may be a secret",
    resilience({ [`redis://:${SECRET}@h`]: 1 }),
    `resilience.a key of ${String(SECRET.length + 11)} characters`,
    /known here are/,
  ],
  ["a placeholder for a password", env({ REDIS_PASSWORD: "${REDIS_PASSWORD}" }), "REDIS_PASSWORD", /value itself/],
  ["a CA that is no PEM", env({ REDIS_TLS_CA_FILE: file("no.pem", SECRET) }), "REDIS_TLS_CA_FILE", /-----BEGIN/],
  ["a db that is a secret", env({ REDIS_DB: SECRET }), "REDIS_DB", /whole number/],
  ["a switch that is none", env({ REDIS_TLS: SECRET }), "REDIS_TLS", /on or off/],
  ["a duration that is none", env({ REDIS_CONNECT_TIMEOUT: SECRET }), "REDIS_CONNECT_TIMEOUT", /250ms/],
  [
    "password and file",
    env({ REDIS_PASSWORD: SECRET, REDIS_PASSWORD_FILE: "/x" }),
    "REDIS_PASSWORD_FILE",
    /one of the two/,
  ],
  [
    "a password file that is missing",
    env({ REDIS_PASSWORD_FILE: join(folder, "no") }),
    "REDIS_PASSWORD_FILE",
    /may read/,
  ],
  ["an empty password file", env({ REDIS_PASSWORD_FILE: file("empty", "\n") }), "REDIS_PASSWORD_FILE", /value in it/],
  [
    "a key without its certificate",
    env({ REDIS_TLS_KEY_FILE: file("key", `-----BEGIN ENCRYPTED ${SECRET}`) }),
    "REDIS_TLS_CERT_FILE",
    /both/,
  ],
  [
    "TLS off beside a CA",
    env({ REDIS_TLS: "off", REDIS_TLS_CA_FILE: file("ca", `-----BEGIN ${SECRET}`) }),
    "REDIS_TLS",
    /must be on/,
  ],
  [
    "Sentinels without a name in the environment",
    bare({ REDIS_SENTINELS: "a:1" }),
    "REDIS_SENTINEL_NAME",
    /master set/,
  ],
  [
    "Sentinels that are URLs",
    bare({ REDIS_SENTINELS: `redis://:${SECRET}@a`, REDIS_SENTINEL_NAME: "m" }),
    "REDIS_SENTINELS",
    /host:port pairs/,
  ],
  ["Cluster nodes that are none", bare({ REDIS_CLUSTER_NODES: "a:99999" }), "REDIS_CLUSTER_NODES", /host:port pairs/],
  [
    "an unknown policy variable",
    env({ IOREDOUBT_DEADLIN: "5s" }),
    "IOREDOUBT_DEADLIN",
    /did you mean IOREDOUBT_DEADLINE/,
  ],
  ["a log level that is none", env({ IOREDOUBT_LOG_LEVEL: "inof" }), "IOREDOUBT_LOG_LEVEL", /did you mean info\?/],
  [
    "the log level misspelt",
    env({ IOREDOUBT_LOGLEVEL: "info" }),
    "IOREDOUBT_LOGLEVEL",
    /did you mean IOREDOUBT_LOG_LEVEL/,
  ],
  ["an empty policy variable", env({ IOREDOUBT_DEADLINE: "" }), "IOREDOUBT_DEADLINE", /remove it/],
  ["an unreadable duration", env({ IOREDOUBT_DEADLINE: SECRET }), "IOREDOUBT_DEADLINE", /250ms, 5s/],
  ["an unknown unit", env({ IOREDOUBT_DEADLINE: "5 fortnights" }), "IOREDOUBT_DEADLINE", /250ms, 5s/],
  ["a negative duration", env({ IOREDOUBT_DEADLINE: "-5s" }), "IOREDOUBT_DEADLINE", /1 to 2147483647/],
  ["an unreadable size", env({ IOREDOUBT_QUEUE_MAX_BYTES: "64 parsecs" }), "IOREDOUBT_QUEUE_MAX_BYTES", /64MB/],
  [
    "a percentage beyond 100",
    env({ IOREDOUBT_BREAKER_ERROR_THRESHOLD_PERCENTAGE: "150%" }),
    "IOREDOUBT_BREAKER_ERROR_THRESHOLD_PERCENTAGE",
    /1 to 100/,
  ],
  [
    "a value inside a part that is off",
    env({ IOREDOUBT_RETRY_RETRIES: "4", IOREDOUBT_RETRY: "off" }),
    "IOREDOUBT_RETRY_RETRIES",
    /one of the two/,
  ],
  [
    "a misspelt profile in the environment",
    env({ IOREDOUBT_PROFILE: "prodction" }),
    "IOREDOUBT_PROFILE",
    /did you mean production/,
  ],
  [
    "a misspelt choice in the environment",
    env({ IOREDOUBT_RETRY_AMBIGUOUS: "saef" }),
    "IOREDOUBT_RETRY_AMBIGUOUS",
    /did you mean safe/,
  ],
  [
    "a misspelt variable with a prefix",
    env({ CACHE_REDIS_URL: "redis://h", CACHE_IOREDOUBT_DEADLINES: "5s" }, "CACHE"),
    "CACHE_IOREDOUBT_DEADLINES",
    /IOREDOUBT_DEADLINE/,
  ],
  [
    "a policy file that is missing",
    env({ IOREDOUBT_CONFIG: join(folder, "none.json") }),
    "IOREDOUBT_CONFIG",
    /may read/,
  ],
  ["a policy file without end", env({ IOREDOUBT_CONFIG: "/dev/zero" }), "IOREDOUBT_CONFIG", /path of a file/],
  ["a pipe that nobody writes to", env({ IOREDOUBT_CONFIG: pipe("pipe") }), "IOREDOUBT_CONFIG", /JSON object/],
  ["a folder for a policy file", env({ IOREDOUBT_CONFIG: folder }), "IOREDOUBT_CONFIG", /path of a file/],
  [
    "a policy file of megabytes",
    env({ IOREDOUBT_CONFIG: file("large.json", `{"deadline":${" ".repeat(1_100_000)}1}`) }),
    "IOREDOUBT_CONFIG",
    /path of a file/,
  ],
  ["a password file without end", env({ REDIS_PASSWORD_FILE: "/dev/zero" }), "REDIS_PASSWORD_FILE", /path of a file/],
  [
    "a policy file that is no JSON",
    env({ IOREDOUBT_CONFIG: file("bad.json", SECRET) }),
    "IOREDOUBT_CONFIG",
    /JSON object/,
  ],
  ["a policy file with a list", env({ IOREDOUBT_CONFIG: file("list.json", "[]") }), "IOREDOUBT_CONFIG", /JSON object/],
  [
    "a wrong value in the policy file",
    env({ IOREDOUBT_CONFIG: file("wrong.json", JSON.stringify({ deadline: SECRET })) }),
    `file ${join(folder, "wrong.json")}: deadline`,
    /milliseconds.* a text such as "5s"/,
  ],
  [
    "the second of two unknown keys in the policy file",
    env({ IOREDOUBT_CONFIG: file("unknown.json", `{"logger":false,"deadlin":1,"__proto__":{"deadline":1}}`) }),
    `file ${join(folder, "unknown.json")}: deadlin`,
    /did you mean deadline/,
  ],
  [
    "code in the policy file",
    env({ IOREDOUBT_CONFIG: file("code.json", `{"fallback":"${SECRET}"}`) }),
    `file ${join(folder, "code.json")}: fallback`,
    /known here are profile, deadline/,
  ],
  [
    "a secret as profile in the policy file",
    env({ IOREDOUBT_CONFIG: file("profile.json", `{"profile":"${SECRET}"}`) }),
    `file ${join(folder, "profile.json")}: profile`,
    /must be one of/,
  ],
  ["a policy file with a comment", env({ IOREDOUBT_CONFIG: file("c.json", "{}// x") }), "IOREDOUBT_CONFIG", /comments/],
  ["a policy file that is a folder", env({ IOREDOUBT_CONFIG: folder }), "IOREDOUBT_CONFIG", /may read/],
  // the call of fromEnv
  ["no environment", () => void resolveFromEnvironment(anything(null)), "env", /process\.env/],
  ["options for an environment", () => void resolveFromEnvironment(anything({ prefix: "A" })), "prefix", /second arg/],
  ["a text for options", () => void resolveFromEnvironment({}, anything("CACHE")), "options", /prefix: "CACHE"/],
  ["a misspelt option of fromEnv", fromEnv({ prefx: SECRET }), "options.prefx", /did you mean prefix/],
  ["a number as prefix", fromEnv({ prefix: 5 }), "options.prefix", /letters, digits/],
  ["a prefix with a dash", fromEnv({ prefix: SECRET }), "options.prefix", /letters, digits/],
  ["a text for ioredis options", fromEnv({ redis: SECRET }), "options.redis", /object of ioredis options/],
  ["a text for the options of a Cluster", either({ cluster: SECRET }), "options.cluster", /must be true, or an object/],
  ["a number as prefix where a Cluster may be made", either({ prefix: 5, cluster: true }), "options.prefix", /letters/],
  ["a wrong ioredis option beside the environment", fromEnv({ redis: { db: SECRET } }), "redis.db", /whole number/],
  ["a file that is no UTF-8", env({ REDIS_PASSWORD_FILE: latin1("p-latin", "p\xe4") }), "REDIS_PASSWORD_FILE", /UTF-8/],
  [
    "a file in UTF-16",
    env({ REDIS_PASSWORD_FILE: latin1("p-16", "p\0w\0") }),
    "REDIS_PASSWORD_FILE",
    /save it as UTF-8/,
  ],
  ["an empty name of a file", env({ REDIS_PASSWORD_FILE: "" }), "REDIS_PASSWORD_FILE", /give it a value/],
  ["a password with a line end", env({ REDIS_PASSWORD: `${SECRET}\r` }), "REDIS_PASSWORD", /remove the line break/],
  ["family 5 in the environment", env({ REDIS_FAMILY: "5" }), "REDIS_FAMILY", /4, 6, or 0/],
  ["a timeout beyond a timer", env({ REDIS_CONNECT_TIMEOUT: "999h" }), "REDIS_CONNECT_TIMEOUT", /2147483647/],
  ["a fraction of a millisecond", env({ REDIS_CONNECT_TIMEOUT: "1.5" }), "REDIS_CONNECT_TIMEOUT", /whole milliseconds/],
  ["a db in exponents", env({ REDIS_DB: "1e3" }), "REDIS_DB", /whole number/],
  ["a port in hexadecimal", bare({ REDIS_HOST: "h", REDIS_PORT: "0x18eb" }), "REDIS_PORT", /whole number/],
  ["a Sentinel name without Sentinels", env({ REDIS_SENTINEL_NAME: SECRET }), "REDIS_SENTINEL_NAME", /both or neither/],
  [
    "a Sentinel password without Sentinels",
    env({ REDIS_SENTINEL_PASSWORD: SECRET }),
    "REDIS_SENTINEL_PASSWORD",
    /both or neither/,
  ],
  [
    "a secret as Sentinel",
    bare({ REDIS_SENTINELS: `a:1,:${SECRET}@b`, REDIS_SENTINEL_NAME: "m" }),
    "REDIS_SENTINELS",
    /host:port pairs/,
  ],
  ["a URL beside Sentinels", env({ REDIS_SENTINELS: "a", REDIS_SENTINEL_NAME: "m" }), "REDIS_URL", /keep the one/],
  ["a host beside a socket", bare({ REDIS_HOST: "h", REDIS_PATH: "/run/r" }), "REDIS_HOST", /keep the one/],
  ["a URL beside Cluster nodes", env({ REDIS_CLUSTER_NODES: "a" }), "REDIS_URL", /keep the one/],
  ["Cluster nodes", bare({ REDIS_CLUSTER_NODES: "a" }), "REDIS_CLUSTER_NODES", /createCluster\.fromEnv/],
  ["TLS off beside rediss", bare({ REDIS_URL: "rediss://h", REDIS_TLS: "off" }), "REDIS_TLS", /begins with rediss/],
  ["a slip in the beginning", env({ IOREDOUT_DEADLINE: "5s" }), "IOREDOUT_DEADLINE", /mean IOREDOUBT_DEADLINE/],
  ["a variable in small letters", env({ ioredoubt_deadline: "5s" }), "ioredoubt_deadline", /mean IOREDOUBT_DEADLINE/],
  ["a duration in exponents", env({ IOREDOUBT_DEADLINE: "1e3" }), "IOREDOUBT_DEADLINE", /250ms, 5s/],
  ["a duration in quotes", env({ IOREDOUBT_DEADLINE: '"5s"' }), "IOREDOUBT_DEADLINE", /quotes became part/],
  ["minus zero", env({ IOREDOUBT_DEADLINE: "-0" }), "IOREDOUBT_DEADLINE", /1 to 2147483647/],
  ["Infinity for a duration", env({ IOREDOUBT_DEADLINE: "Infinity" }), "IOREDOUBT_DEADLINE", /250ms, 5s/],
  ["a count in hexadecimal", env({ IOREDOUBT_POOL_MAX: "0x10" }), "IOREDOUBT_POOL_MAX", /whole number/],
  ["a secret as count", env({ IOREDOUBT_POOL_MAX: SECRET }), "IOREDOUBT_POOL_MAX", /whole number/],
  ["a secret as switch", env({ IOREDOUBT_BREAKER: SECRET }), "IOREDOUBT_BREAKER", /on or off/],
  ["a secret as provider", env({ IOREDOUBT_PROVIDER: SECRET }), "IOREDOUBT_PROVIDER", /must be one of/],
  ["a secret as profile variable", env({ IOREDOUBT_PROFILE: SECRET }), "IOREDOUBT_PROFILE", /must be one of/],
  ["a secret as policy file", env({ IOREDOUBT_CONFIG: SECRET }), "IOREDOUBT_CONFIG", /cannot be read|may read/],
  // the query of a URL
  ["a switch that says false in the query", args("redis://h?lazyConnect=false"), "url", /every text means true/],
  ["a secret in the query", args(`redis://h?db=${SECRET}`), "url", /db in its query.*whole number/],
  ["a timeout in the query", args("redis://h?connectTimeout=5s"), "url", /whole number/],
  ["a slip in the query", args("redis://h?comandTimeout=50"), "url", /did you mean commandTimeout/],
  ["a policy value in the query", args("redis://h?deadline=50"), "url", /IOREDOUBT_DEADLINE/],
  ["a switch in the query of a socket", args("/run/r.sock?lazyConnect=no"), "url", /every text means true/],
  // contradictions: both sides written
  [
    "a backoff above its cap",
    () =>
      void resolveFromEnvironment({ REDIS_HOST: "h" }, { resilience: { retry: { minTimeout: 90, maxTimeout: 80 } } }),
    "retry.minTimeout",
    /retry\.maxTimeout, which is 80/,
  ],
  [
    "a backoff above the deadline",
    env({ IOREDOUBT_DEADLINE: "40ms", IOREDOUBT_RETRY_MIN_TIMEOUT: "50ms" }),
    "retry.minTimeout",
    /deadline, which is 40 \(IOREDOUBT_DEADLINE\)/,
  ],
  [
    "a pool minimum above its maximum",
    env({ IOREDOUBT_POOL_MIN: "5", IOREDOUBT_POOL_MAX: "2" }),
    "pool.min",
    /pool\.max/,
  ],
  // profiles of one's own, Cluster
  ["a built-in profile defined again", () => void defineProfile("production", {}), "profile name", /built in/],
  ["a profile name with blanks", () => void defineProfile("my profile", {}), "profile name", /lower-case/],
  [
    "a wrong value in a profile",
    () => void defineProfile("own-a", { deadline: anything(SECRET) }),
    "profile own-a: deadline",
    /milliseconds/,
  ],
  ["a profile that is not defined", () => void defineProfile("own-c", anything(undefined)), "profile own-c", /object/],
  ["a secret as profile name", () => void defineProfile(SECRET, { deadline: -1 }), "profile name", /lower-case/],
  [
    "a profile defined twice, differently",
    () => {
      defineProfile("own-d", { deadline: 100 });
      defineProfile("own-d", { deadline: 200 });
    },
    "profile own-d",
    /another name/,
  ],
  [
    "an unknown profile extended",
    () => void defineProfile("own-b", { extends: anything("cachee") }),
    "profile own-b: extends",
    /did you mean cache/,
  ],
];

describe("wrong configuration", () => {
  it("is covered by at least eighty rows with different names", () => {
    expect(new Set(ROWS.map(([name]) => name)).size).toBe(ROWS.length);
    expect(ROWS.length).toBeGreaterThanOrEqual(80);
  });

  it.each(ROWS)("says what is wrong with %s", (_name, run, path, advice) => {
    const error = thrownBy(run);
    const problem = error.problems.find((p) => p.path === path);
    expect(problem, `problems at ${error.problems.map((p) => p.path).join(", ")}`).toBeDefined();
    expect(problem?.allowed).toMatch(advice);
    expect(error.message).not.toContain(SECRET);
    expect(JSON.stringify(error) + JSON.stringify(error.problems) + (error.stack ?? "")).not.toContain(SECRET);
  });

  it("lists every problem at once", () => {
    const error = thrownBy(
      args({ port: 0, db: -1, resilience: { deadline: 0, retry: { retries: -1, factor: 0 }, quue: {} } }),
    );
    expect(error.problems.map((p) => p.path)).toEqual([
      "port",
      "db",
      "resilience.deadline",
      "resilience.retry.retries",
      "resilience.retry.factor",
      "resilience.quue",
    ]);
  });

  it("lists the problems of the address, the policy variables and the options together", () => {
    const error = thrownBy(() =>
      resolveFromEnvironment({ REDIS_HOST: "h:1", IOREDOUBT_DEADLINE: "soon" }, { resilience: { pool: { max: -1 } } }),
    );
    expect(error.problems.map((p) => p.path).sort()).toEqual([
      "IOREDOUBT_DEADLINE",
      "REDIS_HOST",
      "resilience.pool.max",
    ]);
  });
});

describe("right configuration", () => {
  it.each([
    ["nothing", []],
    ["a URL", [`redis://:${SECRET}@h:6379/0`]],
    ["a URL with an encoded password", [`redis://:${encodeURIComponent("p#%?/@:x")}@h:6379`]],
    ["a URL with @ in the password", ["redis://:p@ss@h:6379"]],
    ["a TLS URL and options", ["rediss://h", { keyPrefix: "a:" }]],
    ["a URL and undefined", ["redis://h", undefined]],
    ["a query", ["redis://h?family=6&db=2"]],
    ["a port", [6379]],
    ["a port as text", ["6379"]],
    ["port and host", [6379, "h"]],
    ["port, host and options", [6379, "::1", { db: 1 }]],
    ["a URL without a scheme but with a database", ["//h:6379/4"]],
    ["endless retries", [{ maxRetriesPerRequest: Infinity }]],
    ["tls from an empty variable", [{ tls: "" }]],
    ["a path", ["/run/redis.sock"]],
    ["a path with a query", ["/run/redis.sock?db=2"]],
    ["host and port without a scheme", ["h:6379"]],
    ["a host alone", ["localhost"]],
    ["an IPv6 URL", ["redis://[::1]:6379"]],
    ["options", [{ host: "h", port: "6379", db: "1", tls: {}, retryStrategy: null, maxRetriesPerRequest: null }]],
    ["an undefined host", [{ host: undefined }]],
    ["unknown ioredis options", [{ someOption: 1, maxScriptsCachingTime: 5 }]],
    ["Sentinels", [{ sentinels: [{ host: "s", port: 26379 }], name: "m" }]],
    [
      "everything false",
      [
        {
          resilience: { deadline: false, retry: false, breaker: false, queue: false, heartbeat: false, logger: false },
        },
      ],
    ],
    ["an endless queue", [{ resilience: { queue: { maxCommands: Infinity, maxBytes: Infinity } } }]],
    [
      "undefined fields",
      [{ resilience: { deadline: undefined, retry: { retries: undefined, budget: { tokens: undefined } } } }],
    ],
  ])("accepts %s", (_name, list) => {
    expect(() => checkRedisArguments(list)).not.toThrow();
  });
});

function thrownBy(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
