/**
 * Next steps are pasted into a shell at night. Every command of the catalogue whose programs are on this machine is run here
 * against a live server, a silent one and one that refuses: it must end by itself, and must not be a command that the program
 * does not know. The rest are checked as text.
 */
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { entryOf } from "../../src/failure/catalogue.js";
import { classify } from "../../src/failure/classify.js";
import { CODES, type Code } from "../../src/failure/codes.js";
import { NO_FACTS, type Facts } from "../../src/failure/facts.js";
import { fill, shellQuoted } from "../../src/failure/template.js";
import { isElsewhere, isHere, toolsIn } from "../../src/failure/tools.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis } from "../helpers/redis-server.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

interface Command {
  readonly code: Code;
  readonly say: string;
  readonly template: string;
}

const COMMANDS: readonly Command[] = CODES.flatMap((code) =>
  entryOf(code).next.flatMap((text) =>
    typeof text === "string" || text.run === undefined ? [] : [{ code, say: text.say, template: text.run }],
  ),
);
const LOCAL: Facts = {
  ...NO_FACTS,
  host: "127.0.0.1",
  platform: "linux",
  pid: process.pid,
  command: "GET",
  user: undefined,
};
/** Commands that change the server, ask for a secret or a terminal, or belong to another system. */
const NOT_RUN = /--askpass|acl setuser|systemctl|journalctl|brew|dscacheutil|scutil|netstat|route -n|kubectl|inet\.ip/;
/** Codes whose fault is silence: the server may not answer the step either. */
const SILENT: ReadonlySet<Code> = new Set<Code>([
  "DEADLINE",
  "RESPONSE_TIMEOUT",
  "HANDSHAKE_TIMEOUT",
  "CONNECT_TIMEOUT",
  "CIRCUIT_OPEN",
  "QUEUE_FULL",
  "UNAVAILABLE",
  "POOL_TIMEOUT",
  "EVENT_LOOP_BLOCKED",
  "OUTCOME_UNKNOWN",
  "CONNECTION_LOST",
  "CONNECTION_CLOSED_EARLY",
  "TLS_PROTOCOL",
  "UNKNOWN",
]);
/** Longer than the longest a command gives itself, and a loaded machine on top. */
const PATIENCE = 25_000;

interface Ran {
  readonly run: string;
  readonly ended: boolean;
  readonly text: string;
}

/** Runs a command line as a shell does, in a process group of its own, without a terminal. */
function runAll(runs: readonly string[]): Promise<readonly Ran[]> {
  const queue = [...new Set(runs)];
  const done: Ran[] = [];
  const worker = async (): Promise<void> => {
    for (let run = queue.shift(); run !== undefined; run = queue.shift()) done.push(await execute(run));
  };
  return Promise.all(Array.from({ length: 6 }, worker)).then(() => done);
}

function execute(run: string): Promise<Ran> {
  return new Promise((resolve) => {
    // In this repository the package is not in node_modules; its command is what was built.
    const line = run.replace("npx --no ioredoubt", `node ${MAIN}`);
    const child = spawn("bash", ["-c", line], { stdio: ["ignore", "pipe", "pipe"], detached: true });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    let ended = true;
    const late = setTimeout(() => {
      ended = false;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, PATIENCE);
    child.on("close", () => {
      clearTimeout(late);
      resolve({ run, ended, text });
    });
  });
}

function runsFor(facts: Facts, wanted: (command: Command) => boolean): readonly string[] {
  return (
    COMMANDS.filter(wanted)
      .map(({ template }) => fill(template, facts, shellQuoted))
      .filter((run) => !NOT_RUN.test(run) && toolsIn(run).every(isHere))
      // A placeholder that is left is a file or a name that only the reader knows.
      .filter((run) => !/\b(?:client\.pem|ca\.pem|script\.lua|NAMESPACE|MASTER_NAME)\b/.test(run))
  );
}

function unknownIn(ran: readonly Ran[]): readonly Ran[] {
  return ran.filter(
    ({ ended, text }) =>
      !ended || /not found|unrecogni[sz]ed|invalid option|unknown (?:sub)?command|syntax error/i.test(text),
  );
}

describe("the commands of the catalogue", () => {
  it.each(COMMANDS)("$code: $template is a line of shell that ends by itself", ({ say, template }) => {
    for (const platform of ["linux", "darwin"]) {
      const run = fill(template, { ...LOCAL, platform, port: 6379, sentinel: "127.0.0.1:26379" }, shellQuoted);
      expect(run).not.toMatch(/[{]\w+[}]/);
      expect(spawnSync("sh", ["-n", "-c", run]).status, run).toBe(0);
      expect(run).not.toMatch(/--latency-history|\bmonitor\b|\b-f\b|^watch |npx (?!--no )/);
      if (run.includes("openssl s_client") || run.includes("--latency"))
        expect(run).toMatch(/timeout --foreground|alarm shift/);
      if (run.includes("s_client")) expect(run).toContain("</dev/null");
      if (/\bping \d|^ping /.test(run)) expect(run).toContain("-c ");
      if (/\| nc |^nc /.test(run)) expect(run).toContain("-w 3");
      if (/^(?:journalctl|systemctl)/.test(run)) expect(run).toContain("--no-pager");
    }
    // What a good and a bad answer look like.
    expect(say).toMatch(/\(.{3,}\)/);
  });

  it("all end and are known to their programs at a server that is well", async () => {
    await using server = await startRedis();
    const ran = await runAll(runsFor({ ...LOCAL, port: server.port }, () => true));
    expect(ran.length).toBeGreaterThan(30);
    expect(unknownIn(ran)).toEqual([]);
    const ping = ran.find(({ run }) => run.endsWith(`redis-cli -h 127.0.0.1 -p ${String(server.port)} ping`));
    expect(ping?.text).toBe("PONG\n");
    const latency = ran.find(({ run }) => run.endsWith("--latency"));
    expect(latency?.text).toMatch(/^[\d. ]+$|avg/m);
  }, 120_000);

  it("all end at a server that is frozen, and tell it from one that answers", async () => {
    await using server = await startRedis();
    server.freeze();
    try {
      const ran = await runAll(runsFor({ ...LOCAL, port: server.port }, ({ code }) => SILENT.has(code)));
      expect(ran.length).toBeGreaterThan(5);
      expect(unknownIn(ran)).toEqual([]);
      for (const { run, text } of ran)
        if (run.includes(`redis-cli -h 127.0.0.1 -p ${String(server.port)}`) && !run.includes("slowlog"))
          expect(text, run).toBe("");
    } finally {
      server.thaw();
    }
  }, 120_000);

  it("all end where the port refuses, and say so", async () => {
    const ran = await runAll(
      runsFor({ ...LOCAL, port: await freePort() }, ({ code }) => code === "CONNECTION_REFUSED" || SILENT.has(code)),
    );
    expect(unknownIn(ran)).toEqual([]);
    expect(ran.find(({ run }) => run.endsWith(" ping"))?.text).toMatch(/refused/);
  }, 120_000);
});

describe("the steps of a failure", () => {
  const endpoint = { host: "127.0.0.1", port: 1, tls: false };
  let runs: (error: string, more?: object) => readonly string[] = () => [];
  beforeAll(() => {
    runs = (error, more = {}) =>
      classify(error, { endpoint: { ...endpoint, ...more } }).next.flatMap(({ run }) =>
        run === undefined ? [] : [run],
      );
  });

  it("need no program that this machine does not have, and there is always one", () => {
    for (const code of CODES) {
      const far = { host: "redis.internal", port: 6379, tls: false };
      expect(classify(Object.assign(new Error("x"), { code }), { endpoint: far }).next, code).not.toEqual([]);
      for (const { say, run } of classify(Object.assign(new Error("x"), { code }), { endpoint }).next) {
        if (run === undefined || isElsewhere(say)) continue;
        for (const tool of toolsIn(run)) expect(isHere(tool), `${code}: ${run}`).toBe(true);
      }
    }
  });

  it("ask for the password of the user who was refused, and never name an empty user", () => {
    expect(runs("WRONGPASS x", { username: "", authenticates: true })[0]).toBe(
      "redis-cli -h 127.0.0.1 -p 1 --askpass acl whoami",
    );
    expect(runs("WRONGPASS x", { username: "app", authenticates: true })[0]).toBe(
      "redis-cli -h 127.0.0.1 -p 1 --user app --askpass acl whoami",
    );
  });

  it("log in where the client does", () => {
    expect(runs("LOADING x", { authenticates: true })[0]).toContain("--askpass");
    expect(runs("LOADING x")[0]).not.toContain("--askpass");
  });

  it("work with the right password, typed in", async () => {
    await using server = await startRedis({ password: "right" });
    const [run = ""] = classify("WRONGPASS x", {
      endpoint: { host: "127.0.0.1", port: server.port, username: "", authenticates: true },
    }).next.flatMap((step) => step.run ?? []);
    const { stdout } = spawnSync("bash", ["-c", run], { input: "right\n", encoding: "utf8", timeout: PATIENCE });
    expect(stdout).toContain("default");
  });

  it("do not blame a firewall for a TLS client that was accepted", async () => {
    const silent = createServer((socket) => socket.on("error", () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { createRedis } = await import("../../src/index.js");
    const lines: { readonly code?: unknown; readonly why?: unknown }[] = [];
    const note = (fields: object): void => void lines.push(fields);
    const logger = { debug: note, info: note, warn: note, error: note };
    const { port } = silent.address() as { readonly port: number };
    const resilience = { deadline: 600, doctor: false, logger, reconnect: { handshakeTimeout: 500 } };
    const redis = createRedis({ host: "127.0.0.1", port, tls: {}, resilience });
    await expect(redis.get("k")).rejects.toMatchObject({ diagnosis: { code: "DEADLINE" } });
    expect(lines.map(({ code }) => code)).not.toContain("CONNECT_TIMEOUT");
    expect(JSON.stringify(lines)).toContain("does not speak TLS");
    expect(JSON.stringify(lines)).not.toMatch(/firewall/i);
    redis.disconnect();
    silent.close();
  });
});

describe(toolsIn, () => {
  it.each([
    ["ss -ltnp | grep redis", ["ss"]],
    ["timeout --foreground 5 redis-cli -h h ping", ["timeout", "redis-cli"]],
    ["perl -e 'alarm shift; exec @ARGV' 5 redis-cli ping", ["perl", "redis-cli"]],
    ["(sleep 1; echo PING) | nc -w 3 h 1", ["nc"]],
    ["time getent hosts h", ["getent"]],
    ["npx --no ioredoubt config", ["npx"]],
    ["ulimit -n", []],
  ])("of %s are %j", (run, tools) => {
    expect(toolsIn(run)).toEqual(tools);
  });
});
