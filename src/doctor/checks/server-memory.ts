/** Memory against `maxmemory`: with a policy that cannot evict, a full server refuses writes. */
import { formatBytes } from "../../format.js";
import type { Check, Context } from "../check.js";
import { cliOf } from "../commands.js";
import { failed, type Draft } from "../finding.js";
import { numberIn, type ServerFacts } from "../server-facts.js";
import { serverCheck } from "./server-check.js";

/** Buffers of the clients come and go: at 99 % the next write may already be refused. */
const FULL = 0.99;
const FULL_AFTER_REFUSALS = 0.95;
const NEAR = 0.9;
const FRAGMENTED = 1.5;
/** Below this size the ratio says nothing. */
const FRAGMENTED_BYTES = 256 * 1024 ** 2;

/** Whether the server has memory left. */
export const serverMemoryCheck: Check = serverCheck({
  id: "server/memory",
  title: "Server: memory",
  topic: "2.2 Server resources",
  judge,
});

function judge(facts: ServerFacts, context: Context): readonly Draft[] {
  const used = (numberIn(facts, "used_memory") ?? 0) - (numberIn(facts, "mem_not_counted_for_evict") ?? 0);
  const limit = numberIn(facts, "maxmemory") ?? 0;
  const policy = facts.info.get("maxmemory_policy") ?? facts.settings.get("maxmemory-policy") ?? "unknown";
  const refusals = errorCount(facts, "OOM");
  const part = limit === 0 ? 0 : used / limit;
  const evidence = [
    limit === 0
      ? `${formatBytes(used)} used, no maxmemory`
      : `${formatBytes(used)} of ${formatBytes(limit)} (${(part * 100).toFixed(0)} %)`,
    `policy ${policy}`,
    `${String(numberIn(facts, "evicted_keys") ?? 0)} keys evicted`,
    `fragmentation ${facts.info.get("mem_fragmentation_ratio") ?? "?"}`,
    ...(refusals === 0 ? [] : [`${String(refusals)} OOM errors since the start`]),
  ].join(", ");
  const stuck = policy === "noeviction" || (policy.startsWith("volatile") && expiringKeys(facts) === 0);
  if (stuck && (part >= FULL || (part >= FULL_AFTER_REFUSALS && refusals > 0))) {
    const diagnosis = context.classify("OOM command not allowed when used memory > 'maxmemory'.");
    return [
      failed(diagnosis, evidence, {
        threshold: `${String(FULL * 100)} % without eviction`,
        meaning: `Memory is full: ${formatBytes(used)} of ${formatBytes(limit)} are used and ${policy} frees nothing, so writes are refused.`,
        // The first step shows what the evidence says
        next: diagnosis.next.slice(1),
      }),
    ];
  }
  if (stuck && part >= NEAR) {
    return [
      {
        status: "warn",
        code: "OUT_OF_MEMORY",
        evidence,
        threshold: `${String(NEAR * 100)} % without eviction`,
        meaning: `Memory is nearly full and ${policy} frees nothing: writes will be refused soon.`,
        next: [
          {
            say: "See what takes the memory (it ends by itself; the largest key of each type is in the summary)",
            run: `${cliOf(context)} --bigkeys`,
          },
        ],
      },
    ];
  }
  const ratio = numberIn(facts, "mem_fragmentation_ratio") ?? 1;
  if (ratio > FRAGMENTED && used > FRAGMENTED_BYTES) {
    return [
      {
        status: "warn",
        evidence,
        threshold: `fragmentation ${String(FRAGMENTED)}`,
        meaning: "Much memory is lost to fragmentation.",
        next: [
          {
            say: "Ask the server for its advice (its words name what is unusual)",
            run: `${cliOf(context)} memory doctor`,
          },
        ],
      },
    ];
  }
  return [
    {
      status: "ok",
      evidence,
      threshold: `${String(NEAR * 100)} % without eviction`,
      meaning: "Memory leaves room for writes.",
    },
  ];
}

/** Count of one kind of error reply since the server started. */
export function errorCount(facts: ServerFacts, prefix: string): number {
  return Number(/count=(\d+)/.exec(facts.info.get(`errorstat_${prefix}`) ?? "")?.[1] ?? 0);
}

function expiringKeys(facts: ServerFacts): number {
  const databases = [...facts.info].filter(([field]) => /^db\d+$/.test(field));
  return databases.reduce((sum, [, value]) => sum + Number(/expires=(\d+)/.exec(value)?.[1] ?? 0), 0);
}
