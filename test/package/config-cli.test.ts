/** The built `ioredoubt config` command, as a person runs it. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const PACKAGE = new URL("../../package.json", import.meta.url);
const SECRET = "hunter2-Tr0ub4dor";
const folder = mkdtempSync(join(tmpdir(), "config-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Promise<Run> {
  const started = { env: { PATH: process.env["PATH"], ...env }, cwd };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], started, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err });
    });
  });
}

describe("ioredoubt", () => {
  it("says its version", async () => {
    const { version } = JSON.parse(readFileSync(PACKAGE, "utf8")) as { version: string };
    expect(await run(["--version"])).toEqual({ code: 0, out: `${version}\n`, err: "" });
  });

  it("helps when asked and when called without a command", async () => {
    const asked = await run(["--help"]);
    expect(asked).toMatchObject({ code: 0, err: "" });
    expect(asked.out).toContain("ioredoubt config");
    expect(await run([])).toEqual(asked);
  });

  it("does not know other commands", async () => {
    const slip = await run(["docter"]);
    expect(slip.code).toBe(2);
    expect(slip.out).toContain("Did you mean ioredoubt doctor?");
    expect((await run(["config", "--profil", "cache"])).out).toContain("did you mean --profile?");
    expect((await run(["doctor", "--timout", "5s"])).out).toContain("did you mean --timeout?");
    expect(await run(["toString"])).toMatchObject({ code: 2 });
  });
});

describe("a URL in the wrong place", () => {
  const urls = [`redis://:${SECRET}@127.0.0.1:1`, `user:${SECRET}@127.0.0.1:1`];
  const places: ((url: string) => string[])[] = [
    (url) => [url],
    (url) => [`--${url}`],
    (url) => ["help", url],
    (url) => ["--version", url],
    (url) => ["config", url],
    (url) => ["config", `--${url}`],
    (url) => ["config", `-x${url}`],
    (url) => ["config", "--profile", url],
    (url) => ["config", "--prefix", url],
    (url) => ["config", `--json=${url}`],
    (url) => ["config", "--diff", url, "production"],
    (url) => ["config", "--diff", "production", "staging", url],
    (url) => ["explain", url],
    (url) => ["explain", `--${url}`],
    (url) => ["explain", "CONNECTION_REFUSED", url],
    (url) => ["doctor", url],
    (url) => ["doctor", "127.0.0.1:1", url],
    (url) => ["doctor", `--${url}`],
    (url) => ["doctor", "--json", url],
    (url) => ["doctor", "--html", url, "127.0.0.1:1"],
    (url) => ["doctor", "--profile", url, "127.0.0.1:1"],
    (url) => ["doctor", "--prefix", url],
    (url) => ["doctor", "--commands", url, "127.0.0.1:1"],
    (url) => ["doctor", "--tls-ca", url, "127.0.0.1:1"],
    (url) => ["doctor", "--tls-servername", url, "127.0.0.1:1"],
    (url) => ["doctor", "--interval", url, "127.0.0.1:1"],
  ];

  // `--env-file` is not here: Node 20 reads it before this command begins, and repeats what it cannot find.
  it("does not show its password, wherever it stands", async () => {
    const lines = places.map((place, i) => place(urls[i % urls.length] ?? ""));
    for (let at = 0; at < lines.length; at += 4) {
      const runs = await Promise.all(
        lines.slice(at, at + 4).map(async (args) => ({ args, ...(await run(args, {}, folder)) })),
      );
      for (const { args, out, err } of runs) expect(out + err, args.join(" ")).not.toContain(SECRET);
    }
  }, 60_000);
});

describe("ioredoubt config", () => {
  it("ends badly for an env file that is missing", async () => {
    // Some versions of Node look for --env-file behind the script's name too, and end before this command begins.
    expect((await run(["config", "--env-file", join(folder, "none")])).code).toBeGreaterThan(1);
  });

  it("shows each value with its origin, what it means, and no secret", async () => {
    const env = {
      REDIS_URL: `redis://user:${SECRET}@h:6379`,
      IOREDOUBT_PROFILE: "cache",
      IOREDOUBT_RETRY_RETRIES: "4",
    };
    const { code, out, err } = await run(["config"], env);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^profile cache ← IOREDOUBT_PROFILE$/m);
    expect(out).toMatch(/^retry\.retries +4 +← IOREDOUBT_RETRY_RETRIES$/m);
    expect(out).toMatch(/^deadline +300 ms +← profile cache$/m);
    expect(out).toMatch(/^pool\.max +10 +← base$/m);
    expect(out).toContain("A GET that gets lost is sent at most 5 times and settles within 300 ms");
    expect(out).not.toContain(SECRET);
  });

  it("shows where it connects, as whom, to which database, with TLS or without, and which variable says so", async () => {
    const env = { REDIS_URL: `rediss://app:${SECRET}@db.internal/3`, IOREDOUBT_DEADLINE: "5" };
    const { out } = await run(["config"], env);
    expect(out).toMatch(/^Warnings\n {2}deadline 5 ms is shorter/);
    expect(out.indexOf("Connection\n")).toBeGreaterThan(out.indexOf("Warnings\n"));
    for (const row of ["host +db\\.internal +← REDIS_URL", "port +6379 +← default", "user +app +← REDIS_URL"])
      expect(out).toMatch(new RegExp(`^  ${row}$`, "m"));
    for (const row of ["password +set, not shown +← REDIS_URL", "database +3 +← REDIS_URL", "TLS +on +← REDIS_URL"])
      expect(out).toMatch(new RegExp(`^  ${row}$`, "m"));
    expect(out).not.toContain(SECRET);
    const nameOnly = await run(["config"], { REDIS_URL: `redis://${SECRET}@h` });
    expect(nameOnly.out).toMatch(/^ {2}user +given without a password/m);
    expect(nameOnly.out).not.toContain(SECRET);
    const sentinels = await run(["config"], { REDIS_SENTINELS: "a:1,b", REDIS_SENTINEL_NAME: "m" });
    expect(sentinels.out).toMatch(
      /^ {2}Sentinels +a:1, b:26379 +← REDIS_SENTINELS\n {2}master set +m +← REDIS_SENTINEL_NAME$/m,
    );
    const login = { REDIS_SENTINEL_USERNAME: "s", REDIS_SENTINEL_PASSWORD: SECRET, REDIS_SENTINEL_TLS: "on" };
    const guarded = await run(["config"], { REDIS_SENTINELS: "a:1", REDIS_SENTINEL_NAME: "m", ...login });
    for (const [row, variable] of [
      ["user +s", "USERNAME"],
      ["password +set, not shown", "PASSWORD"],
      ["TLS +on", "TLS"],
    ])
      expect(guarded.out).toMatch(new RegExp(`^  Sentinels' ${row ?? ""} +← REDIS_SENTINEL_${variable ?? ""}$`, "m"));
    expect(guarded.out).toMatch(/^ {2}sentinelTLS is for the Sentinels only/m);
    expect(guarded.out).not.toContain(SECRET);
  });

  it("shows the policy when no address is set", async () => {
    const { code, out } = await run(["config"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}host +not set +← REDIS_URL or REDIS_HOST must say it$/m);
    expect(out).toMatch(/^profile production ← default$/m);
  });

  it("reads an env file, under the variables that are set", async () => {
    const path = join(folder, "one.env");
    writeFileSync(path, `REDIS_HOST=h\nREDIS_PASSWORD='${SECRET}'\nIOREDOUBT_DEADLINE=900ms\nIOREDOUBT_POOL_MAX=3\n`);
    const { out } = await run(["config", "--env-file", path], { IOREDOUBT_POOL_MAX: "4" });
    expect(out).toMatch(/^deadline +900 ms +← IOREDOUBT_DEADLINE in .*one\.env$/m);
    expect(out).toMatch(/^pool\.max +4 +← IOREDOUBT_POOL_MAX$/m);
    expect(out).not.toContain(SECRET);
  });

  it("refuses an env file whose first variable is hidden by a byte order mark", async () => {
    const path = join(folder, "mark.env");
    writeFileSync(path, "\uFEFFIOREDOUBT_DEADLINE=900ms\n");
    const { code, out } = await run(["config", "--env-file", path]);
    expect(code).toBe(2);
    expect(out).toContain("begins with a byte order mark");
  });

  it("warns of a variable that the URL takes precedence over", async () => {
    const { out } = await run(["config"], { REDIS_URL: `redis://:${SECRET}@h`, REDIS_HOST: "other" });
    expect(out).toMatch(/Warnings\n {2}REDIS_HOST is ignored: REDIS_URL says something else/);
  });

  it("takes a profile from the command line over the environment", async () => {
    const { out } = await run(["config", "--profile", "staging+worker"], { IOREDOUBT_PROFILE: "cache" });
    expect(out).toMatch(/^profile staging\+worker ← option$/m);
  });

  it("reads the variables of a prefix", async () => {
    const { out } = await run(["config", "--prefix", "CACHE"], {
      CACHE_REDIS_HOST: "h",
      CACHE_IOREDOUBT_DEADLINE: "70ms",
    });
    expect(out).toMatch(/^deadline +70 ms +← CACHE_IOREDOUBT_DEADLINE$/m);
  });

  it("prints JSON that holds the same", async () => {
    const { out } = await run(["config", "--json"], {
      REDIS_URL: `redis://:${SECRET}@h`,
      IOREDOUBT_QUEUE_MAX_COMMANDS: "unlimited",
    });
    const parsed = JSON.parse(out) as {
      policy: { deadline: number; queue: object };
      values: { path: string; origin: string }[];
    };
    expect(parsed.policy.deadline).toBe(5000);
    expect(parsed.policy.queue).toMatchObject({ maxCommands: "Infinity" });
    expect(parsed.values.find((v) => v.path === "queue.maxCommands")?.origin).toBe("IOREDOUBT_QUEUE_MAX_COMMANDS");
    expect(out).not.toContain(SECRET);
  });

  it("shows two profiles side by side, only where they differ", async () => {
    const { code, out } = await run(["config", "--diff", "production", "development"], { IOREDOUBT_DEADLINE: "1s" });
    expect(code).toBe(0);
    expect(out).toMatch(/^ +production +development$/m);
    expect(out).toMatch(/^deadline +5 s +3 s$/m);
    expect(out).toMatch(/^retry\.budget +on +off$/m);
    expect(out).not.toContain("retry.factor");
    expect((await run(["config", "--diff", "production", "staging"])).out).toBe(
      "production and staging are the same\n",
    );
  });

  it("names what a provider is known for, and what looks wrong", async () => {
    const { out } = await run(["config"], { REDIS_URL: "redis://x.redis.cache.windows.net:6380" });
    expect(out).toMatch(/^reconnect\.handshakeTimeout +15 s +← provider azure$/m);
    expect(out).toContain("Connections idle for 10 minutes are closed");
    expect(out).toMatch(/Warnings\n {2}tls is off/);
  });

  it("lists every problem, shows no secret and ends with 1", async () => {
    const env = { REDIS_HOST: `h:6379`, REDIS_DB: SECRET, IOREDOUBT_DEADLNE: "5s" };
    const { code, out, err } = await run(["config"], env);
    expect({ code, err }).toEqual({ code: 1, err: "" });
    expect(out).toContain("REDIS_HOST: a string of 6 characters; must not contain the port");
    expect(out).toContain("REDIS_DB: a string of 17 characters");
    expect(out).toContain("did you mean IOREDOUBT_DEADLINE?");
    expect(out).not.toContain(SECRET);
  });

  it.each([
    ["an unknown option", ["--profil", "cache"]],
    ["an argument", ["production"]],
    ["a diff of one", ["--diff", "production"]],
  ])("ends with 2 and its help for %s", async (_name, args) => {
    const { code, out } = await run(["config", ...args]);
    expect(code).toBe(2);
    expect(out).toContain("--env-file <path>");
  });

  it("ends with 1 for a profile that does not exist, in a diff too", async () => {
    const one = await run(["config", "--profile", "staging+prodution"], { IOREDOUBT_DEADLNE: "5s" });
    expect(one.code).toBe(1);
    expect(one.out).toMatch(/^ {2}--profile: a string of 9 characters; must be one of .*did you mean production\?$/m);
    expect(one.out).toContain("did you mean IOREDOUBT_DEADLINE?");
    const two = await run(["config", "--diff", "production", "prod"]);
    expect(two.code).toBe(1);
    expect(two.out).toMatch(
      /^ {2}--diff, second: a string of 4 characters; must be one of .*did you mean production\?$/m,
    );
  });
});
