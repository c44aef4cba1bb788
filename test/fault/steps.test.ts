/**
 * Next steps are pasted into a shell at night. Every command of the catalogue whose programs are on this machine is run here
 * against a live server: it must end by itself, and must not be a command that the program does not know. The rest are checked
 * as text. What they show at a fault is in steps-at-faults.test.ts.
 */
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { CODES } from "../../src/failure/codes.js";
import { fill, shellQuoted } from "../../src/failure/template.js";
import { isElsewhere, isHere, toolsIn } from "../../src/failure/tools.js";
import { startRedis } from "../helpers/redis-server.js";
import { COMMANDS, execute, inTurns, LOCAL, PATIENCE, type Ran } from "./steps-harness.js";

/** Commands that change the server, ask for a secret or a terminal, or belong to another system. */
const NOT_RUN = /--askpass|acl setuser|systemctl|journalctl|brew|dscacheutil|scutil|netstat|route -n|kubectl|inet\.ip/;

/** Those that can be run as they are, without a file or a name that only the reader knows. */
function runsAt(port: number): readonly string[] {
  const filled = COMMANDS.map(({ template }) => fill(template, { ...LOCAL, port }, shellQuoted));
  return [...new Set(filled)]
    .filter((run) => !NOT_RUN.test(run) && toolsIn(run).every(isHere))
    .filter((run) => !/\b(?:client\.pem|ca\.pem|script\.lua|NAMESPACE|MASTER_NAME)\b/.test(run));
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
    const ran: Ran[] = [];
    await inTurns(runsAt(server.port), async (run) => void ran.push(await execute(run)));
    expect(ran.length).toBeGreaterThan(30);
    const wrong = /not found|unrecogni[sz]ed|invalid option|unknown (?:sub)?command|syntax error/i;
    expect(ran.filter(({ ended, text }) => !ended || wrong.test(text))).toEqual([]);
    const ping = ran.find(({ run }) => run.endsWith(`redis-cli -h 127.0.0.1 -p ${String(server.port)} ping`));
    expect(ping?.text).toBe("PONG\n");
    const latency = ran.find(({ run }) => run.endsWith("--latency"));
    expect(latency?.text).toMatch(/^[\d. ]+$|avg/m);
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
