/** The storm of random faults with its ledger, as the benchmark runs it; tests run it shorter. */
export { runFaults } from "../../lab/faults.mjs";
export type { FaultsOptions, FaultsVerdict } from "../../lab/faults.mjs";
