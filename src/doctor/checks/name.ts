/**
 * The host's name becomes addresses, the same way a client asks for them. A wrong name and a resolver that is down look alike
 * to a user and need opposite actions, so they are told apart.
 */
import { isIP } from "node:net";
import { isLoopback } from "../../failure/environment.js";
import type { Check, Context } from "../check.js";
import { failed, ok, skip, type Draft } from "../finding.js";
import { lookUp } from "../machine.js";

/** Longer than this delays every connect noticeably. */
const SLOW = 500;
const SECOND_OPINION = 700;

/** Whether the host name has addresses. */
export const nameCheck: Check = {
  id: "name",
  title: "Name",
  topic: "1.3 Network tests",
  needs: ["target", "discovery"],
  deadline: 3200,
  chain: true,
  run,
};

async function run(context: Context): Promise<readonly Draft[]> {
  const { seen, target } = context;
  const { endpoint } = seen;
  if (endpoint === undefined || endpoint.path !== undefined) return [skip("a unix socket has no name")];
  const kind = isIP(endpoint.host);
  if (kind !== 0) {
    seen.addresses = [{ address: endpoint.host, family: kind === 6 ? 6 : 4 }];
    return [skip("the target is an address, not a name", "Nothing to look up.")];
  }
  const start = performance.now();
  try {
    const found = await lookUp(context.machine, endpoint.host, target.family);
    const ms = performance.now() - start;
    seen.addresses = found.slice(0, 8);
    return [await known(context, endpoint.host, ms)];
  } catch (error) {
    return [await notFound(context, endpoint.host, error, performance.now() - start)];
  }
}

async function known(context: Context, host: string, ms: number): Promise<Draft> {
  const list = context.seen.addresses.map(({ address, family }) => `${family === 6 ? "AAAA" : "A"} ${address}`);
  const [file, domains] = await Promise.all([inHostsFile(context, host), searchDomains(context)]);
  // A name with few dots is tried under each of them first
  const searched = domains.length === 0 || file ? "" : `; search domains ${domains.join(", ")}`;
  const evidence = `${list.join(", ")} in ${ms.toFixed(0)} ms${file ? ", from the hosts file" : ""}${searched}`;
  const loopback = context.seen.addresses.every(({ address }) => isLoopback(address)) && !isLoopback(host);
  const meaning = loopback
    ? `${host} resolves to loopback, that is to this very machine or container.`
    : `${host} is known.`;
  if (ms <= SLOW) return ok(evidence, meaning, `slow above ${String(SLOW)} ms`);
  return {
    status: "warn",
    evidence,
    threshold: `${String(SLOW)} ms`,
    meaning: `Looking up ${host} took ${ms.toFixed(0)} ms; every new connection waits for it.`,
    next: [
      {
        say: "See which servers and search domains are asked (healthy: a nameserver that you know)",
        run: "cat /etc/resolv.conf",
      },
      { say: "Measure it (healthy: real below 0.1 s)", run: `time getent ahosts ${host}` },
    ],
  };
}

async function notFound(context: Context, host: string, error: unknown, ms: number): Promise<Draft> {
  const diagnosis = context.classify(error, { phase: "resolve" });
  const [second, resolver] = await Promise.all([context.machine.ask(host, SECOND_OPINION), resolverOf(context)]);
  const evidence = [
    `${context.clean((error as NodeJS.ErrnoException).code ?? diagnosis.code)} after ${ms.toFixed(0)} ms`,
    `the DNS server itself says ${second === "ENOTFOUND" ? "NXDOMAIN" : second}`,
    ...resolver,
  ].join("; ");
  if (diagnosis.code !== "DNS_NOT_FOUND") return failed(diagnosis, evidence);
  // Both were asked just now: where the name comes from is what is left to know
  const origin = context.target.origins.get("host") ?? context.target.origins.get("startupNodes");
  const correct = { say: `Correct the name where it is set${origin === undefined ? "" : ` (${origin})`}` };
  return failed(diagnosis, evidence, { next: [correct, ...diagnosis.next] });
}

async function resolverOf({ machine, clean }: Context): Promise<string[]> {
  const text = (await machine.read("/etc/resolv.conf")) ?? "";
  const lines = text.split("\n").filter((line) => /^(?:nameserver|search|domain|options)\b/.test(line));
  return lines.length === 0 ? [] : [`resolv.conf: ${clean(lines.join(", "), 160)}`];
}

/** The last `search` or `domain` line counts, and six domains of it. */
async function searchDomains({ machine, clean }: Context): Promise<readonly string[]> {
  const text = (await machine.read("/etc/resolv.conf")) ?? "";
  const line = text.split("\n").findLast((one) => /^(?:search|domain)\s/.test(one));
  return (line?.trim().split(/\s+/).slice(1, 7) ?? []).map((domain) => clean(domain, 60));
}

async function inHostsFile({ machine }: Context, host: string): Promise<boolean> {
  const text = (await machine.read("/etc/hosts")) ?? "";
  return text.split("\n").some((line) => {
    const [, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return names.includes(host);
  });
}
