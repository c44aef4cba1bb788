import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { serializeError } from "../../src/failure/serialize.js";
import { defaultLogger } from "../../src/observe/default-logger.js";
import { runSource } from "../helpers/child.js";
import { freePort } from "../helpers/free-port.js";
import { clock } from "../../src/clock.js";
import { IncidentLog } from "../../src/observe/incident.js";

describe("logging with pino", () => {
  it("makes one logger, named ioredoubt, for the whole process", async () => {
    expect(defaultLogger()).toBe(defaultLogger());
    const entry = new URL("../../dist/index.mjs", import.meta.url).href;
    const script = `
      const { createRedis } = await import(${JSON.stringify(entry)});
      const resilience = { profile: "test", deadline: 1000, doctor: false };
      const redis = createRedis(${String(await freePort())}, "127.0.0.1", { resilience });
      await redis.get("k").catch(() => redis.close({ drain: 0 }));`;
    const { stdout, stderr } = await runSource(script);
    expect(stdout).toBe("");
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { name: "ioredoubt", level: 50, event: "incident.open", code: "CONNECTION_REFUSED" },
      { name: "ioredoubt", level: 30, event: "incident.closed" },
    ]);
  });

  it.each([
    ["info", ["incident.open", "incident.closed"]],
    ["error", ["incident.open"]],
    ["silent", []],
  ])("writes at IOREDOUBT_LOG_LEVEL=%s %j", async (level, events) => {
    const entry = new URL("../../dist/index.mjs", import.meta.url).href;
    const script = `
      const { createRedis } = await import(${JSON.stringify(entry)});
      const redis = createRedis(${String(await freePort())}, "127.0.0.1", { resilience: { profile: "test", deadline: 1000, doctor: false } });
      await redis.get("k").catch(() => redis.close({ drain: 0 }));`;
    const { stdout, stderr } = await runSource(script, { env: { IOREDOUBT_LOG_LEVEL: level } });
    expect(stdout).toBe("");
    const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
    expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(events);
  });

  it("writes its lines without pino when no file descriptor is left to read it with", async () => {
    const entry = new URL("../../dist/index.mjs", import.meta.url).href;
    const script = `import { openSync } from "node:fs";
      const { createRedis } = await import(${JSON.stringify(entry)});
      // The process has had trouble before, or a connection: what explains failures is loaded.
      const before = createRedis(1, "127.0.0.1", { resilience: { logger: false, deadline: 100 } });
      await before.get("k").catch(() => before.disconnect());
      // Node itself lets some go a little later, after loading a module for instance.
      for (let quiet = 0; quiet < 20; quiet++) {
        try {
          for (;;) openSync("/dev/null"), (quiet = 0);
        } catch {}
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const redis = createRedis(6379, "127.0.0.1", { resilience: { profile: "test", deadline: 500, doctor: false } });
      await redis.get("k").catch(() => redis.close({ drain: 0 }));`;
    const { stdout, stderr, unhandled } = await runSource(script, { limit: "-n 64" });
    expect(unhandled).toEqual([]);
    expect(stdout).toBe("");
    const [open] = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(open).toMatchObject({
      name: "ioredoubt",
      level: 50,
      event: "incident.open",
      code: "TOO_MANY_OPEN_FILES",
    });
  });

  it("says at least that much when none was left from the start, and what explains failures cannot be read either", async () => {
    const entry = new URL("../../dist/index.mjs", import.meta.url).href;
    const script = `import { openSync } from "node:fs";
      const { createRedis } = await import(${JSON.stringify(entry)});
      for (let quiet = 0; quiet < 20; quiet++) {
        try {
          for (;;) openSync("/dev/null"), (quiet = 0);
        } catch {}
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const redis = createRedis(6379, "127.0.0.1", { resilience: { profile: "test", deadline: 500, doctor: false } });
      await redis.get("k").catch((error) => (console.log(error.code, error.applied), redis.close({ drain: 0 })));`;
    const { stdout, stderr, unhandled } = await runSource(script, { limit: "-n 64" });
    expect(unhandled).toEqual([]);
    expect(stdout).toBe("DEADLINE no\n");
    const [line] = stderr.split("\n");
    expect(JSON.parse(line ?? "")).toMatchObject({ level: 50, event: "log.unavailable", code: "TOO_MANY_OPEN_FILES" });
  });

  it("loses its lines on a full disk, and nothing else: the process goes on and ends by itself", async () => {
    const entry = new URL("../../dist/index.mjs", import.meta.url).href;
    const source = (mode: string): string => `
      import { closeSync, openSync } from "node:fs";
      closeSync(1);
      openSync("/dev/full", "w");
      const { Module } = await import("node:module");
      const load = Module._load;
      Module._load = (name, ...rest) => {
        if (name === "pino" && ${String(mode === "bare")}) throw new Error("no pino");
        return load(name, ...rest);
      };
      const { createRedis } = await import(${JSON.stringify(entry)});
      const redis = createRedis(1, "127.0.0.1", { resilience: { deadline: 200, doctor: false } });
      await redis.get("k").catch((error) => console.error("rejected", error.code));
      redis.disconnect();`;
    for (const mode of ["pino", "bare"]) {
      const { stderr, unhandled, timedOut, code } = await runSource(source(mode), { env: { NODE_ENV: "production" } });
      expect({ unhandled, timedOut, code }).toEqual({ unhandled: [], timedOut: false, code: 0 });
      expect(stderr).toMatch(/rejected \w+/);
    }
  });

  it("writes incident lines through a child logger, with its bindings", () => {
    const lines: string[] = [];
    const logger = pino({ base: null }, { write: (line: string) => lines.push(line) }).child({ component: "cart" });
    const log = new IncidentLog({
      logger,
      endpoint: "127.0.0.1:1",
      summaryInterval: 1000,
      waiting: () => 0,
      troubled: () => 1,
      tookWrites: () => -Infinity,
      policy: { profile: "production", fingerprint: "0", text: "policy production" },
    });
    log.connectionFailed(classify("connect ECONNREFUSED 127.0.0.1:1"), clock.now() - 1_000);
    log.closed();
    const [open] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(open).toMatchObject({
      level: 50,
      component: "cart",
      event: "incident.open",
      code: "CONNECTION_REFUSED",
      endpoint: "127.0.0.1:1",
    });
  });

  it("keeps arguments out of logged errors, which pino by itself would print", () => {
    const error = Object.assign(new Error("WRONGPASS x"), {
      command: { name: "hello", args: ["3", "AUTH", "u", "CANARYs3cr3t"] },
    });
    const written = (options: object): string => {
      let text = "";
      pino({ base: null, ...options }, { write: (line: string) => (text += line) }).error({ err: error }, "failed");
      return text;
    };
    expect(written({})).toContain("CANARYs3cr3t");
    expect(written({ serializers: { err: serializeError } })).not.toContain("CANARYs3cr3t");
  });
});
