/**
 * A server, or a proxy in front of it, that ends the login of a live connection: what it answers then was not executed. With a
 * provider the connection is logged in again, and the commands go behind that.
 */
import { describe, expect, it } from "vitest";
import type { CredentialsReason } from "../../src/credentials/provider.js";
import type { Redis } from "../../src/redis.js";
import { createLogSink } from "../helpers/log-sink.js";
import { eventually } from "../helpers/eventually.js";
import { expectError, gist, outcomeOf, outcomesOf, ready, scriptedServer, type TestOptions } from "./core-harness.js";

const NOAUTH = "-NOAUTH Authentication required.\r\n";
const RESP2 = { protocol: 2 } as unknown as TestOptions;

/** A server whose sessions end when it is told so, until the next AUTH. */
class Gate {
  readonly executed: string[] = [];
  readonly refused: string[] = [];
  isOpen = true;
  /** Nobody is let in again. */
  isShut = false;
  logins = 0;
  #isInMulti = false;

  answer(name: string): string {
    if (name === "auth") {
      this.logins++;
      this.isOpen = !this.isShut;
      return "+OK\r\n";
    }
    if (!this.isOpen) {
      this.refused.push(name);
      return NOAUTH;
    }
    if (name === "multi") {
      this.#isInMulti = true;
      return "+OK\r\n";
    }
    if (name === "exec") {
      this.#isInMulti = false;
      this.executed.push(name);
      return "*1\r\n+OK\r\n";
    }
    if (this.#isInMulti) return "+QUEUED\r\n";
    if (name !== "ping") this.executed.push(name);
    return "+OK\r\n";
  }
}

interface Scene {
  readonly gate: Gate;
  readonly redis: Redis & { readonly log: ReturnType<typeof createLogSink> };
  readonly reasons: CredentialsReason[];
  readonly sent: readonly string[];
}

async function scene(options: TestOptions = {}): Promise<Scene> {
  const gate = new Gate();
  const server = await scriptedServer((name) => gate.answer(name));
  const reasons: CredentialsReason[] = [];
  const redis = await ready(server.port, {
    ...RESP2,
    credentials: ({ reason }) => {
      reasons.push(reason);
      return { username: "app", password: "p0", expiresAt: Date.now() + 600_000 };
    },
    ...options,
  });
  gate.executed.length = 0;
  return { gate, redis, reasons, sent: server.seen };
}

describe("a login that the server has ended on a live connection", () => {
  it("is given again, and what it refused goes behind that, once each and in order, unheard", async () => {
    const { gate, redis, reasons, sent } = await scene();
    gate.isOpen = false;
    const calls = [redis.set("k", "1"), redis.incr("k"), redis.append("k", "2"), redis.get("other")];
    expect((await outcomesOf(calls)).map(gist)).toEqual(["ok", "ok", "ok", "ok"]);
    expect(gate.refused).toEqual(["set", "incr", "append", "get"]);
    expect(gate.executed).toEqual(["set", "incr", "append", "get"]);
    expect([reasons, gate.logins]).toEqual([["connect", "rejected"], 2]);
    expect(sent.lastIndexOf("auth")).toBeLessThan(sent.lastIndexOf("set"));
    expect(redis.log.at("fatal", "error")).toEqual([]);
    // Again: a login may be ended as often as the server likes.
    gate.isOpen = false;
    expect(await redis.incr("k")).toBe("OK");
    expect(gate.logins).toBe(3);
    // Many ends in a row do not make as many questions.
    expect(reasons).toHaveLength(2);
  });

  it("takes a transaction along whole, and a pipeline member by member", async () => {
    const { gate, redis } = await scene();
    gate.isOpen = false;
    expect(await redis.multi().incr("k").exec()).toEqual([[null, "OK"]]);
    expect([gate.refused, gate.executed]).toEqual([["multi", "incr", "exec"], ["exec"]]);
    gate.isOpen = false;
    const result = await redis.pipeline().set("a", "1").incr("b").exec();
    expect(result?.map(([error]) => error)).toEqual([null, null]);
    expect(gate.executed).toEqual(["exec", "set", "incr"]);
  });

  it("that is not taken again fails what was refused a second time, as the server says it, and names the provider", async () => {
    const { gate, redis, sent } = await scene();
    gate.isOpen = false;
    gate.isShut = true;
    expect(gist(await outcomeOf(redis.incr("k")))).toMatch(/^NOAUTH/);
    expect(sent.filter((name) => name === "incr")).toHaveLength(2);
    const [incident] = redis.log.at("fatal", "error", "warn");
    expect(incident?.fields).toMatchObject({ code: "AUTH_REQUIRED" });
    expect(incident?.message).toContain("The login comes from the credentials provider ");
    gate.isShut = false;
    await eventually(async () => expect(await redis.incr("k")).toBe("OK"));
  });

  it("waits for a slow provider no longer than its command may, which was not executed", async () => {
    let isSlow = false;
    const give = { username: "app", password: "p0", expiresAt: Date.now() + 600_000 };
    const { gate, redis } = await scene({
      credentials: () => (isSlow ? new Promise(() => undefined) : give),
    });
    isSlow = true;
    gate.isOpen = false;
    expectError(await outcomeOf(redis.withDeadline(200).incr("k")), "DeadlineError", "no");
    expect(gate.executed).toEqual([]);
  });

  it("is nothing that is repaired where nobody gives logins", async () => {
    const { gate, redis, sent } = await scene({ credentials: undefined, password: "p0" });
    gate.isOpen = false;
    expect(gist(await outcomeOf(redis.incr("k")))).toMatch(/^NOAUTH/);
    expect(sent.filter((name) => name === "incr")).toHaveLength(1);
  });
});
