/**
 * What a client and its options look like when they are printed or turned into JSON: without passwords. A client holds them in its
 * options, its connector and its connection, and clients end up in log lines by way of the objects that hold them.
 */
import { inspect, type InspectOptions } from "node:util";
import type { Redis as IORedis } from "ioredis";
import { redactText } from "../failure/redact.js";
import { endpointInfo, labelOf } from "../ioredis/endpoint-info.js";
import { STATE, type State } from "./state.js";

const HIDDEN = "***";
const SECRET = /(?:pass(?:word|phrase)?|credentials?)$|^(?:key|pfx|token)$/i;
/** They hold secrets deeper down. */
const PARTS: ReadonlySet<string> = new Set(["tls", "sentinelTLS", "sentinels", "redisOptions"]);
const TEXT_LIMIT = 253;

interface Printed {
  readonly status: string;
  readonly endpoint: string | undefined;
}

/** Gives the clients of a class a short form for `util.inspect`, `console.log` and `JSON.stringify`. */
export function makeInspectable(prototype: IORedis): void {
  makePrintable(prototype, printed);
}

/** The same for any class; `printed` makes the short form. */
export function makePrintable<T extends object>(prototype: T, printed: (object: T) => object): void {
  hide(prototype, inspect.custom, function (this: T, _depth: number, options: InspectOptions) {
    return `${this.constructor.name} ${inspect(printed(this), options)}`;
  });
  hide(prototype, "toJSON", function (this: T) {
    return printed(this);
  });
}

/** Prints the options of a client without their secrets. Reading and copying them stays as it was. */
export function makeOptionsInspectable(options: object): void {
  hide(options, inspect.custom, function (this: object, _depth: number, { depth }: InspectOptions) {
    return depth !== undefined && depth !== null && depth < 0 ? "[Object]" : withoutSecrets(this);
  });
}

function printed(client: IORedis & { readonly [STATE]?: State }): Printed {
  // What the prototype itself looks like is asked, too.
  const state = Object.hasOwn(client, STATE) ? client[STATE] : undefined;
  const options = client.options as IORedis["options"] | undefined;
  // A plain client has no state of ours.
  const endpoint = state?.engine.endpoint.label ?? (options && labelOf(endpointInfo(options), undefined));
  return { status: client.status, endpoint };
}

function withoutSecrets(options: object): object {
  return Object.fromEntries(Object.entries(options).map(([key, value]: [string, unknown]) => [key, shown(key, value)]));
}

function shown(key: string, value: unknown): unknown {
  if (value === undefined || value === null || value === "") return value;
  if (SECRET.test(key)) return HIDDEN;
  if (Array.isArray(value)) return value.map((one: unknown) => shown("", one));
  if (typeof value === "string") return redactText(value, TEXT_LIMIT);
  return typeof value === "object" && (key === "" || PARTS.has(key)) ? withoutSecrets(value) : value;
}

function hide(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: false, configurable: true, writable: true });
}
