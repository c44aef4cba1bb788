/** Connections against `maxclients`, and who was turned away. */
import type { Check, Context } from "../check.js";
import { cliOf } from "../commands.js";
import type { Draft } from "../finding.js";
import { numberIn, type ServerFacts } from "../server-facts.js";
import { serverCheck } from "./server-check.js";

const FULL = 0.8;

/** Whether the server has room for clients. */
export const serverClientsCheck: Check = serverCheck({
  id: "server/clients",
  title: "Server: clients",
  topic: "3.3 Client connections",
  judge,
});

function judge(facts: ServerFacts, context: Context): readonly Draft[] {
  const connected = numberIn(facts, "connected_clients") ?? 0;
  const allowed = numberIn(facts, "maxclients") ?? Number(facts.settings.get("maxclients") ?? 0);
  const rejected = numberIn(facts, "rejected_connections") ?? 0;
  const blocked = numberIn(facts, "blocked_clients") ?? 0;
  const evidence = `${String(connected)} of ${allowed > 0 ? String(allowed) : "?"} clients, ${String(blocked)} blocked, ${String(rejected)} turned away since the start`;
  const threshold = `${String(FULL * 100)} % of maxclients`;
  const next = [
    {
      say: "See who they are (addr and name of each; many of one addr: that one leaks)",
      run: `${cliOf(context)} client list`,
    },
    { say: "Share one client per process, and close what is not used, before raising maxclients" },
  ];
  if (allowed > 0 && connected >= allowed * FULL) {
    return [
      {
        status: "warn",
        code: "MAX_CLIENTS",
        evidence,
        threshold,
        next,
        meaning: `The server has ${String(connected)} of ${String(allowed)} possible clients: soon it turns new ones away.`,
      },
    ];
  }
  const remark = rejected > 0 ? " Clients were turned away at some time since it started." : "";
  return [{ status: "ok", evidence, threshold, meaning: `There is room for more connections.${remark}` }];
}
