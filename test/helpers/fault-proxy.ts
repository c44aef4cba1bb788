/** The TCP fault proxy, as tests see it. The mechanism lives in `lab/`, shared with the demo and the benchmarks. */
export { startProxy } from "../../lab/fault-proxy.mjs";
export type { FaultProxy } from "../../lab/fault-proxy.mjs";
