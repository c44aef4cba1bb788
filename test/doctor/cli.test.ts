import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runDoctor } from "../../src/cli/doctor.js";
import type { Report } from "../../src/doctor/index.js";
import { runScript } from "../helpers/child.js";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis } from "../helpers/redis-server.js";
import { makeCertificates } from "../helpers/tls.js";
import { STOOD_STILL } from "./ground.js";

const dir = mkdtempSync(join(tmpdir(), "doctor-cli-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly text: string;
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}, isTTY: boolean = false): Promise<Ran> {
  // More time than by default, for a machine that other tests keep busy
  const patient = args.includes("--timeout") ? args : [...args, "--timeout", "20s"];
  for (;;) {
    let text = "";
    // Wide, so that texts are found in one line; test/unit/doctor-report.test.ts is about widths.
    const code = await runDoctor(patient, { write: (part) => (text += part), isTTY, columns: 10_000 }, env);
    if (!STOOD_STILL.test(text.replaceAll(/\s+/g, " "))) return { code, text };
  }
}

describe(runDoctor, () => {
  it("exits 0 for a healthy server, prints plain lines and ends with the verdict", async () => {
    await using server = await startRedis();
    // A moment of quiet: on a busy machine the verdict may rightly be that it answers slowly
    await eventually(
      async () => {
        const { code, text } = await run([`127.0.0.1:${String(server.port)}`]);
        expect(code).toBe(0);
        expect(text).toMatch(
          /^\[ok {2}\] Target {3,}127\.0\.0\.1:\d+, without TLS, no password \(host, port from argument\)/,
        );
        expect(text).toMatch(
          /\[ok {2}\] Verdict: 127\.0\.0\.1:\d+ is healthy: every link of the chain holds\.\n.*\d m?s\n$/,
        );
        expect(text).not.toContain("\u001b");
      },
      { withinMs: 20_000 },
    );
  });

  it("exits 1 when something is broken, names it once and what was not reached in one line", async () => {
    const { code, text } = await run([`127.0.0.1:${String(await freePort())}`]);
    expect(code).toBe(1);
    expect(text).toMatch(/\[FAIL\] Verdict: .*\[CONNECTION_REFUSED\]\n {7}Next: /);
    expect(text).toMatch(/\[skip\] Not reached {3,}TLS, First bytes, Session,/);
  });

  it("exits 0 with warnings only", async () => {
    await using server = await startRedis();
    const { code, text } = await run([`127.0.0.1:${String(server.port)}`, "--deep"]);
    expect(code).toBe(0);
    expect(text).toContain("[warn] Verdict:");
  });

  it("exits 2 when it is called wrongly", async () => {
    for (const args of [
      ["a", "b"],
      ["--nonsense"],
      ["--env-file", "/no/such/file"],
      ["--interval", "soon"],
      ["--interval", "1"],
      ["--timeout", "5"],
      ["--timeout", "0"],
      ["h:1", "--tls-ca", "/no/such"],
    ]) {
      const { code, text } = await run(args);
      expect(code, args.join(" ")).toBe(2);
      expect(text).toContain("Exit code: 0 healthy");
    }
  });

  it("writes with symbols and colours on a terminal, and without them where NO_COLOR is set", async () => {
    const target = `127.0.0.1:${String(await freePort())}`;
    expect((await run([target], {}, true)).text).toContain("\u001b[31m✖");
    expect((await run([target], { NO_COLOR: "1" }, true)).text).not.toContain("\u001b");
  });

  it("takes the target from the environment as fromEnv does, and says where each part came from", async () => {
    await using server = await startRedis({ password: "env-secret-1" });
    const secret = join(dir, "password");
    writeFileSync(secret, "env-secret-1\n");
    const env = {
      CACHE_REDIS_HOST: "127.0.0.1",
      CACHE_REDIS_PORT: String(server.port),
      CACHE_REDIS_PASSWORD_FILE: secret,
    };
    const { code, text } = await run(["--prefix", "CACHE"], env);
    expect(code).toBe(0);
    expect(text).toMatch(
      /host from CACHE_REDIS_HOST; port from CACHE_REDIS_PORT; password from CACHE_REDIS_PASSWORD_FILE/,
    );
    expect(text).not.toContain("env-secret-1");
  });

  it("reads a file of variables, and variables that are set take precedence over it", async () => {
    await using server = await startRedis();
    const file = join(dir, ".env");
    writeFileSync(file, `REDIS_URL=redis://127.0.0.1:${String(server.port)}/2\n`);
    const given = await run(["--env-file", file]);
    expect(given.code).toBe(0);
    expect(given.text).toContain(`database 2 (host, port, db from REDIS_URL in ${file})`);
    expect((await run(["--env-file", file], { REDIS_URL: "redis://127.0.0.1:1" })).code).toBe(1);
  });

  it("refuses a file of variables that is not UTF-8 text, instead of half of it", async () => {
    const file = join(dir, "utf16.env");
    writeFileSync(file, Buffer.from("\ufeffREDIS_URL=redis://:env-secret-2@127.0.0.1:1\n", "utf16le"));
    const { code, text } = await run(["--env-file", file]);
    expect(code).toBe(2);
    expect(text).toMatch(/utf16\.env is not a text file in UTF-8/);
    expect(text).not.toContain("env-secret-2");
  });

  it("ends without a stack trace when its reader has left", () => {
    const cli = join(import.meta.dirname, "../../dist/cli/main.js");
    const { stdout, stderr } = spawnSync(
      "sh",
      ["-c", '"$0" "$1" doctor 127.0.0.1:1 | head -c 10', process.execPath, cli],
      {
        encoding: "utf8",
      },
    );
    expect(stdout).toHaveLength(10);
    expect(stderr).toBe("");
  });

  it("takes TLS files for a target on the command line", async () => {
    await using certificates = await makeCertificates();
    await using server = await startRedis({ tls: certificates.valid });
    const { code, text } = await run([`rediss://localhost:${String(server.tlsPort)}`, "--tls-ca", certificates.ca]);
    expect(text).toMatch(/TLSv1\.[23], \S+; certificate localhost by lab CA/);
    expect(code).toBe(0);
  });

  it("prints a report of version 1 as JSON, without secrets", async () => {
    await using server = await startRedis({ password: "json-secret" });
    const { code, text } = await run([`redis://:json-secret@127.0.0.1:${String(server.port)}`, "--json"]);
    expect(code).toBe(0);
    const report = JSON.parse(text) as Report;
    expect(Object.keys(report)).toEqual(["version", "verdict", "target", "startedAt", "elapsed", "checks", "runtime"]);
    expect(report).toMatchObject({
      version: 1,
      target: { mode: "standalone", tls: false, db: 0 },
    });
    expect(["healthy", "warnings"]).toContain(report.verdict.status);
    expect(report.checks.map((check) => check.id)).toEqual([
      "target",
      "discovery",
      "name",
      "path",
      "tls",
      "first-bytes",
      "listener",
      "nearby",
      "surroundings",
      "session",
      "topology",
      "permissions",
      "answers",
      "server/clients",
      "server/memory",
      "server/persistence",
      "server/replication",
      "server/load",
      "client-limits",
    ]);
    for (const finding of report.checks.flatMap((check) => check.findings)) {
      const { status, check, evidence, meaning, topic, next } = finding;
      expect([status, check, evidence, meaning, topic].map((part) => typeof part)).toEqual(Array(5).fill("string"));
      expect(Array.isArray(next)).toBe(true);
    }
    expect(text).not.toContain("json-secret");
  });

  it("writes a page beside the text, and exits 2 when it cannot", async () => {
    const target = `redis://:page-secret@127.0.0.1:${String(await freePort())}`;
    const page = join(dir, "report.html");
    expect((await run([target, "--html", page])).code).toBe(1);
    const html = readFileSync(page, "utf8");
    expect(html).toContain("CONNECTION_REFUSED");
    expect(html).not.toContain("page-secret");
    expect((await run([target, "--html", join(dir, "no/such/folder.html")])).code).toBe(2);
  });

  it("repeats with --watch and reports only what changes", async () => {
    await using server = await startRedis();
    const stop = new AbortController();
    let text = "";
    const watching = runDoctor(
      [`127.0.0.1:${String(server.port)}`, "--watch", "--interval", "20ms", "--timeout", "20s"],
      { write: (part) => (text += part) },
      {},
      stop.signal,
    );
    const shows = (what: RegExp): Promise<void> => eventually(() => expect(text).toMatch(what), { withinMs: 20_000 });
    await shows(/\] Verdict: 127\.0\.0\.1:\d+ (?:is healthy|answers)/);
    await server.kill();
    await shows(/\d\d:\d\d:\d\d Path: ok → fail, 127\.0\.0\.1 refused/);
    await shows(/Verdict: (?:healthy|warnings) → failed\. /);
    await server.restart();
    await shows(/Verdict: failed → (?:healthy|warnings)\. /);
    stop.abort();
    expect(await watching).toBe(0);
    expect(text.match(/\] Target /g)).toHaveLength(1);
  });

  it("ends by itself as a command, with the exit code, also when a name lookup hangs", async () => {
    const cli = join(import.meta.dirname, "../../dist/cli/main.js");
    const child = await runScript(cli, { args: ["doctor", "redis.invalid:6379"] });
    expect(child).toMatchObject({ code: 1, timedOut: false, unhandled: [] });
    expect(child.stdout).toMatch(/\[DNS_(?:NOT_FOUND|TEMPORARY)\]/);
    expect(child.elapsed).toBeLessThan(18_000);
  });
});
