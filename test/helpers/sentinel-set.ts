/** Real Sentinel sets for tests. The mechanism lives in `lab/`, shared with the benchmarks and the demo. */
export { startSentinelSet } from "../../lab/sentinel-set.mjs";
export type { SentinelSet } from "../../lab/sentinel-set.mjs";
