/**
 * Another machine, made of a network namespace: bound elsewhere, REJECT and DROP, seen from outside and from inside. The
 * doctor inside is the built command.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Report } from "../../src/doctor/index.js";
import { examine, expectHealthy, expectVerdict, findingsOf, ownMachine } from "./ground.js";
import { whyNoNamespace } from "../helpers/abilities.js";
import { Namespace } from "./namespace.js";

const CLI = join(import.meta.dirname, "../../dist/cli/main.js");

async function fromOutside(space: Namespace, port: number): Promise<Report> {
  // Rules of this machine are somebody else's
  const machine = ownMachine({ run: () => Promise.resolve(undefined) });
  return examine(`${space.address}:${String(port)}`, { machine });
}

async function fromInside(space: Namespace, target: string): Promise<Report> {
  const stdout = await new Promise<string>((resolve) => {
    execFile(
      "ip",
      ["netns", "exec", space.name, process.execPath, CLI, "doctor", target, "--json", "--timeout", "20s"],
      (_, text) => resolve(text),
    );
  });
  return JSON.parse(stdout) as Report;
}

describe.skipIf(whyNoNamespace() !== undefined)("doctor, across a network", () => {
  it("raises no alarm for a healthy server on the other machine", async () => {
    await using space = await Namespace.create();
    await space.startRedis(6379, "--protected-mode", "no");
    expectHealthy(await fromOutside(space, 6379));
  });

  it("names loopback-only listening as a cause from outside, and proves it on the machine itself", async () => {
    await using space = await Namespace.create();
    await space.startRedis(6379, "--bind", "127.0.0.1");
    const outside = await fromOutside(space, 6379);
    expectVerdict(
      outside,
      "CONNECTION_REFUSED",
      /machine is there: nothing listens on that port, or only on its own loopback/,
    );
    const inside = await fromInside(space, `${space.address}:6379`);
    expectVerdict(inside, "CONNECTION_REFUSED", /listens on 127\.0\.0\.1:6379 only; you ask for 10\.213\./);
  });

  it("finds Redis on another usual port of the other machine", async () => {
    await using space = await Namespace.create();
    await space.startRedis(6379, "--protected-mode", "no");
    const report = await fromOutside(space, 6390);
    expectVerdict(report, "CONNECTION_REFUSED", /The port is wrong: .* refuses 6390 and Redis answers there on 6379/);
  });

  it("hears protected mode from the other machine", async () => {
    await using space = await Namespace.create();
    await space.startRedis(6379);
    expectVerdict(await fromOutside(space, 6379), "PROTECTED_MODE", /protected mode/);
  });

  it("says that packets are dropped when a rule drops them, and finds the rule on the machine itself", async () => {
    await using space = await Namespace.create();
    await space.startRedis(6379, "--protected-mode", "no");
    expect(await space.reaches(6379, 10_000)).toBe(true);
    await space.inside("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "6379", "-j", "DROP");
    expect(await space.reaches(6379)).toBe(false);
    expectVerdict(
      await fromOutside(space, 6379),
      "CONNECT_TIMEOUT",
      /did not answer the connection attempt.*firewall or security group drops/,
    );
    const inside = await fromInside(space, `${space.address}:6379`);
    expectVerdict(inside, "CONNECT_TIMEOUT", /^A firewall drops the connection: a server listens/);
    expect(findingsOf(inside, "listener")[0]?.evidence).toMatch(/iptables: -A INPUT .*--dport 6379 -j DROP/);
  });

  it("says that a firewall rejects when a rule rejects, and finds the rule on the machine itself", async () => {
    await using space = await Namespace.create();
    await space.startRedis(6379, "--protected-mode", "no");
    await space.inside("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "6379", "-j", "REJECT");
    expect(await space.reaches(6379)).toBe(false);
    // The default REJECT looks like a closed port from outside: the verdict names both
    expectVerdict(
      await fromOutside(space, 6379),
      "CONNECTION_REFUSED",
      /or a firewall there rejects instead of dropping/,
    );
    const inside = await fromInside(space, `${space.address}:6379`);
    expectVerdict(inside, "CONNECTION_REFUSED", /^A firewall rejects the connection: a server listens/);
    expect(findingsOf(inside, "listener")[0]?.evidence).toContain("--dport 6379 -j REJECT");
  });

  it("recognises a firewall's ICMP message from outside", async () => {
    await using space = await Namespace.create();
    await space.startRedis(6379, "--protected-mode", "no");
    await space.inside(
      "iptables",
      "-A",
      "INPUT",
      "-p",
      "tcp",
      "--dport",
      "6379",
      "-j",
      "REJECT",
      "--reject-with",
      "icmp-host-prohibited",
    );
    expectVerdict(
      await fromOutside(space, 6379),
      "HOST_UNREACHABLE",
      /ICMP message said so at once: a firewall rejects/,
    );
  });

  it("names an own outgoing rule as the cause", async () => {
    await using space = await Namespace.create();
    await space.inside("iptables", "-A", "OUTPUT", "-p", "tcp", "--dport", "6379", "-j", "DROP");
    const inside = await fromInside(space, `${space.outside}:6379`);
    expectVerdict(inside, "CONNECT_TIMEOUT", /rule of this machine names port 6379 and drops what goes to/);
  });

  it("says that there is no route", async () => {
    await using space = await Namespace.create();
    expectVerdict(await fromInside(space, "192.0.2.200:6379"), "NETWORK_UNREACHABLE", /no route to 192\.0\.2\.200/);
  });

  it("runs the built command", () => {
    expect(existsSync(CLI)).toBe(true);
  });
});
