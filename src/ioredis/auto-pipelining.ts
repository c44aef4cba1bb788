/**
 * `enableAutoPipelining`: ioredis gathers the commands of one turn in a pipeline and holds the next one back until that is
 * answered, before anybody else hears of them: outside their deadline, their order towards other commands and every bound.
 * Here the writes of one turn are joined anyway, so each command goes to the engine like any other.
 */
import { ADAPTER } from "./adapter.js";
import { CLUSTER } from "./cluster-internals.js";
import { autoPipelining } from "./internals.js";

/** Clients of this package send each command by itself; other clients of this copy of ioredis keep its own way. */
export function takeOverAutoPipelining(): void {
  const { shouldUseAutoPipelining } = autoPipelining;
  autoPipelining.shouldUseAutoPipelining = (client, functionName, commandName) =>
    !(ADAPTER in client || CLUSTER in client) && shouldUseAutoPipelining(client, functionName, commandName);
}
