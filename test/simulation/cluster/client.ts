/** The client of a cluster, as the program of a run has it: methods, stats and health are those of a client of one server. */
import type { Cluster, ClusterOptions, Redis } from "../../../src/index.js";
import { optionsOf } from "../program/driver.js";
import type { ClientData } from "../program/scenario.js";
import type { LogBook } from "../properties/log-book.js";
import type { Network } from "../world/network.js";

export interface ClusterWorld {
  /** Leads to one of the nodes. */
  readonly name: string;
  readonly network: Network;
  readonly password: string | undefined;
  readonly logger: LogBook;
}

export function clusterClient(make: typeof Cluster, data: ClientData, world: ClusterWorld): Redis {
  const { name, network, password, logger } = world;
  const all = optionsOf(data, { resilience: { logger, doctor: false } });
  const { resilience, enableAutoPipelining, lazyConnect, enableReadyCheck, keyPrefix, ...redisOptions } = all;
  const options = {
    resilience,
    ...(enableAutoPipelining === undefined ? {} : { enableAutoPipelining }),
    ...(lazyConnect === undefined ? {} : { lazyConnect }),
    ...(enableReadyCheck === undefined ? {} : { enableReadyCheck }),
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    ...(data.scaleReads === undefined ? {} : { scaleReads: data.scaleReads }),
    dnsLookup: (host: string, told: (error: Error | null, address?: string) => void) => network.lookUp(host, told),
    redisOptions: { ...redisOptions, ...(password === undefined ? {} : { password }) },
  };
  return new make([{ host: name, port: 6379 }], options as ClusterOptions) as unknown as Redis;
}
