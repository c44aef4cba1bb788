/**
 * Server Name Indication: proxies and providers with many servers behind one address choose by the name that TLS asks for, and Node
 * sends none unless it is told. A server that is known by a name is asked for by it. An address is never sent: the standard forbids it,
 * and some servers end the handshake. What the caller set as `servername` stays, and so does what `tls` looks like in the options.
 */
import { isIP } from "node:net";
import type { RedisOptions } from "ioredis";
import type { Connector } from "./internals.js";

type Tls = NonNullable<RedisOptions["tls"]>;

/** TLS options that ask for the server by this name, unless it is none or they name another. */
export function withServerName(tls: Tls, host: unknown): Tls {
  const named = tls.servername === undefined && typeof host === "string" && host !== "" && isIP(host) === 0;
  return named ? { ...tls, servername: host } : tls;
}

/** Makes a connector of ioredis ask for servers, masters and Sentinels by their names. */
export function nameServers(connector: Connector): void {
  const { options } = connector;
  // A connector of the caller's own does as it likes.
  if (options === undefined || options.Connector) return;
  if (connector.connectToSentinel === undefined) {
    connector.options = Object.create(options, {
      tls: {
        get: () => {
          const { tls, path, host } = options;
          return tls && !path ? withServerName(tls, host ?? "localhost") : tls;
        },
      },
    }) as RedisOptions;
    return;
  }
  const ask = connector.connectToSentinel.bind(connector);
  connector.connectToSentinel = (endpoint, more) => {
    const { sentinelTLS } = options;
    const named = sentinelTLS && { tls: withServerName(sentinelTLS, endpoint.host) };
    return ask(endpoint, { ...named, ...more });
  };
  const resolve = connector.resolve?.bind(connector);
  if (resolve === undefined) return;
  connector.resolve = async (endpoint) => {
    const found = await resolve(endpoint);
    const { enableTLSForSentinelMode, tls } = options;
    return found && tls && enableTLSForSentinelMode ? withServerName(found as Tls, found.host) : found;
  };
}
