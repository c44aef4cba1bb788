/** Whether the server can save: when it cannot, it refuses writes (MISCONF) by default. */
import type { Diagnosis, NextStep } from "../../failure/diagnosis.js";
import type { Check, Context } from "../check.js";
import { cliOf } from "../commands.js";
import { failed, type Draft } from "../finding.js";
import { isLocalTarget } from "../local/is-local.js";
import { logStep } from "../local/service-steps.js";
import { numberIn, type ServerFacts } from "../server-facts.js";
import { serverCheck } from "./server-check.js";
import { errorCount } from "./server-memory.js";

/** Whether the server can save. */
export const serverPersistenceCheck: Check = serverCheck({
  id: "server/persistence",
  title: "Server: persistence",
  topic: "2.2 Server resources",
  judge,
});

async function judge(facts: ServerFacts, context: Context): Promise<readonly Draft[]> {
  const snapshot = facts.info.get("rdb_last_bgsave_status") ?? "unknown";
  const appendOn = facts.info.get("aof_enabled") === "1";
  const append = facts.info.get("aof_last_write_status") ?? "unknown";
  const saves = facts.settings.get("save");
  const stops = facts.settings.get("stop-writes-on-bgsave-error");
  const unsaved = String(numberIn(facts, "rdb_changes_since_last_save") ?? 0);
  const evidence = `last snapshot ${snapshot}, ${unsaved} changes since; append-only file ${appendOn ? append : "off"}`;
  const appendFails = appendOn && append === "err";
  // What is not allowed to be asked is judged by what happened: MISCONF replies
  const refuses = stops === undefined ? errorCount(facts, "MISCONF") > 0 : stops === "yes" && saves !== "";
  if (!appendFails && snapshot !== "err")
    return [{ status: "ok", evidence, meaning: "Nothing is wrong with saving to disk." }];
  const diagnosis = context.classify(
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
  );
  const next = await steps(context, diagnosis);
  if (appendFails || refuses) {
    return [
      failed(diagnosis, evidence, {
        meaning: `The server cannot write its ${appendFails ? "append-only file" : "snapshot"} to disk, so it refuses writes (MISCONF): disk full, folder missing, or no permission.`,
        next,
      }),
    ];
  }
  return [
    {
      status: "warn",
      code: "PERSISTENCE_FAILED",
      evidence,
      next,
      meaning: "The last snapshot failed; writes go on, and a restart would lose them.",
    },
  ];
}

/** Log and disk are on the server's machine; of another one the catalogue knows how to speak. */
async function steps(context: Context, { next }: Diagnosis): Promise<readonly NextStep[]> {
  if (!isLocalTarget(context)) return next;
  return [
    ...(await logStep(context.machine)),
    {
      say: "Is the disk full, or the folder gone (healthy: Use% below 90; No such file: gone)?",
      run: `df -h "$(${cliOf(context)} config get dir | tail -1)"`,
    },
  ];
}
