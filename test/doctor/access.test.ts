import { spawnSync } from "node:child_process";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Credentials, CredentialsRequest } from "../../src/credentials/provider.js";
import { renderHtml, renderText } from "../../src/doctor/index.js";
import { ownAddress, whyNoOwnAddress } from "../helpers/abilities.js";
import { eventually } from "../helpers/eventually.js";
import { startRedis } from "../helpers/redis-server.js";
import { examine, expectHealthy, expectVerdict, expectWarning, findingsOf } from "./ground.js";

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A server forgets a connection a little after its client did. */
const PATIENTLY = { withinMs: 20_000 };
const look = examine;

describe("doctor, a server that lets nobody in", () => {
  it("hears that the maximum of clients is reached", async () => {
    await using server = await startRedis({ args: ["--maxclients", "4"] });
    for (let i = 0; i < 4; i++) {
      const socket = connect(server.port, "127.0.0.1").on("error", () => undefined);
      sockets.push(socket);
      await new Promise((resolve) => socket.once("connect", resolve));
    }
    await eventually(async () => {
      const report = await look(`127.0.0.1:${String(server.port)}`);
      expectVerdict(report, "MAX_CLIENTS", /as many clients|maxclients|connections/i);
      expect(findingsOf(report, "first-bytes")[0]?.evidence).toContain("max number of clients reached");
    }, PATIENTLY);
  });

  it("hears a farewell that comes late from a server which resets whoever speaks first", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined).on("data", () => socket.resetAndDestroy());
      setTimeout(() => socket.end("-ERR max number of clients reached\r\n"), 20);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const report = await look(`127.0.0.1:${String((server.address() as AddressInfo).port)}`);
    await new Promise((resolve) => server.close(resolve));
    expectVerdict(report, "MAX_CLIENTS", /clients/);
  });

  it.skipIf(whyNoOwnAddress() !== undefined)("hears that protected mode refuses", async () => {
    await using server = await startRedis({ args: ["--bind", "0.0.0.0"] });
    const report = await look(`${ownAddress() ?? ""}:${String(server.port)}`);
    expectVerdict(report, "PROTECTED_MODE", /protected mode/);
  });

  it("offers a user that may do all that an application does, channels included, and nothing that stalls the server", async () => {
    await using server = await startRedis();
    const report = await look(`127.0.0.1:${String(server.port)}`, { deep: true });
    const [run = ""] = findingsOf(report, "audit").flatMap(({ next }) =>
      next.flatMap((step) => (step.run?.includes("acl setuser app") === true ? [step.run] : [])),
    );
    expect(spawnSync("sh", ["-c", run], { encoding: "utf8" }).stdout).toBe("OK\n");
    const may = (...command: string[]): Promise<unknown> => server.call("ACL", "DRYRUN", "app", ...command);
    for (const command of [["SET", "k", "v"], ["PUBLISH", "channel", "v"], ["SUBSCRIBE", "channel"], ["INFO"]])
      expect(await may(...command), command.join(" ")).toBe("OK");
    for (const command of [["FLUSHALL"], ["KEYS", "*"]])
      expect(await may(...command), command.join(" ")).toMatch(/no permissions/);
  });

  it("logs in with what a function gives, and tells what is wrong with one, but nothing of what it holds", async () => {
    await using server = await startRedis({ acl: ["user default on nopass ~* &* +@all", "user app on >correct-horse ~* &* +@all"] }); // prettier-ignore
    const target = { host: "127.0.0.1", port: server.port };
    const asked: unknown[] = [];
    const credentials = ({ reason, endpoint }: CredentialsRequest): Credentials => {
      asked.push({ reason, ...endpoint });
      return { username: "app", password: "correct-horse" };
    };
    const report = await look({ ...target, credentials });
    expectHealthy(report);
    expect(asked).toEqual([{ reason: "connect", ...target, isSentinel: false }]);
    expect(report.target).toMatchObject({ username: "app", origins: { password: "credentials" } });
    const fromVault = (): Promise<Credentials> => Promise.reject(new Error("correct-horse"));
    const broken = await look({ ...target, credentials: fromVault });
    expectVerdict(broken, "CONFIG_INVALID", /credentials is wrong: it must give a login/);
    expect(JSON.stringify(findingsOf(broken, "target"))).toContain("is a function that threw an error");
    expect(JSON.stringify([report, broken])).not.toContain("correct-horse");
  });

  it("tells a missing password from a wrong one, and never shows it", async () => {
    await using server = await startRedis({ password: "correct-horse" });
    expectVerdict(
      await look(`127.0.0.1:${String(server.port)}`),
      "AUTH_REQUIRED",
      /requires a password, and this client sent none/,
    );
    const wrong = await look(`redis://:wrong-staple@127.0.0.1:${String(server.port)}`);
    expectVerdict(wrong, "AUTH_WRONG", /Either the password is wrong or rotated, or the user is off or does not exist/);
    expect(JSON.stringify(wrong)).not.toMatch(/wrong-staple|correct-horse/);
  });

  it("says that a user may be off when it is disabled", async () => {
    await using server = await startRedis({ acl: ["user app off >app-password ~* +@all"] });
    const report = await look(`redis://app:app-password@127.0.0.1:${String(server.port)}`);
    expectVerdict(report, "AUTH_WRONG", /the user is off/);
    expect(JSON.stringify(report)).not.toContain("app-password");
  });

  it("warns when a password is sent to a server that has none", async () => {
    await using server = await startRedis();
    const report = await look(`redis://:needless@127.0.0.1:${String(server.port)}`);
    expectWarning(report, "session", "AUTH_NOT_CONFIGURED");
  });

  it("names the commands an ACL does not allow, without running them", async () => {
    await using server = await startRedis({
      acl: ["user app on >app-password ~app:* +@read +ping +info +acl|dryrun +acl|whoami +command"],
    });
    const target = `redis://app:app-password@127.0.0.1:${String(server.port)}`;
    const report = await look(target, { commands: ["get app:1", "set app:1 x", "get other:1"] });
    expectVerdict(report, "PERMISSION_DENIED", /User app may not run SET, GET/);
    expect(await server.cli("EXISTS", "app:1")).toBe("0");
    expect(
      (await look(target, { commands: ["get app:1"] })).checks.find((one) => one.id === "permissions")?.status,
    ).toBe("ok");
  });

  it("shows no key or channel that a denial quotes, in any form of the report", async () => {
    await using server = await startRedis({ acl: ["user app on >app-password ~app:* &news +@all -flushall"] });
    const report = await look(`redis://app:app-password@127.0.0.1:${String(server.port)}`, {
      commands: ["get bobscart", "set cart-of-bob x", "publish bobsroom hello", "flushall"],
    });
    expectVerdict(report, "PERMISSION_DENIED", /may not run GET, SET, PUBLISH, FLUSHALL/);
    for (const text of [JSON.stringify(report), renderText(report), renderHtml(report)]) {
      expect(text).not.toMatch(/bobs?-?(?:cart|room)|of-bob/);
      expect(text).toContain("flushall");
    }
  });

  it("skips what the user may not ask, says NOPERM, and does not call it a pass", async () => {
    await using server = await startRedis({ acl: ["user app on >app-password ~* +get +set +ping"] });
    const report = await look(`redis://app:app-password@127.0.0.1:${String(server.port)}`, {
      commands: ["get app:cart-of-bob"],
      deep: true,
    });
    expect(JSON.stringify(report.checks)).toContain("acl dryrun app GET ARGUMENTS");
    expect(JSON.stringify(report.checks)).not.toContain("cart-of-bob");
    for (const id of ["permissions", "server/memory", "server/load"]) {
      const check = report.checks.find((one) => one.id === id);
      expect(check, id).toMatchObject({ status: "skip" });
      expect(check?.findings[0]?.evidence).toContain("NOPERM");
    }
  });

  it("asks what the user may not ask once each, and does not call the rest of the server well", async () => {
    await using server = await startRedis({ acl: ["user app on >app-password ~* +get +set +ping"] });
    const report = await look(`redis://app:app-password@127.0.0.1:${String(server.port)}`);
    expectHealthy(report);
    if (report.verdict.status === "healthy")
      expect(report.verdict.sentence).toMatch(
        /holds\. This user may not see everything: "Server: clients", .*"Server: load" \(NOPERM\)\.$/,
      );
    const stats = await server.cli("INFO", "commandstats");
    const refused = [...stats.matchAll(/^cmdstat_([^:]+):.*rejected_calls=([1-9]\d*)/gm)].map(([, name, n]) => [
      name,
      n,
    ]);
    expect(Object.fromEntries(refused)).toEqual({
      info: "1",
      "config|get": "1",
      "slowlog|get": "1",
      "latency|latest": "1",
    });
  });

  it("names NOPERM when the user may not even PING", async () => {
    await using server = await startRedis({ acl: ["user app on >app-password ~* +get"] });
    const report = await look(`redis://app:app-password@127.0.0.1:${String(server.port)}`);
    expectWarning(report, "session", /^PERMISSION_DENIED .*may not PING/);
  });

  it("names a database that does not exist", async () => {
    await using server = await startRedis();
    expectVerdict(await look(`redis://127.0.0.1:${String(server.port)}/99`), "DB_OUT_OF_RANGE", /database/i);
  });
});
