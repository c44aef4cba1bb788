/** What a report advises exists on the machine it is read on: services, firewalls and tools of several kinds of machine. */
import { describe, expect, it } from "vitest";
import { classify } from "../../src/failure/classify.js";
import { firewallSteps } from "../../src/doctor/local/firewall-steps.js";
import { offered } from "../../src/doctor/local/offered.js";
import { logStep, startSteps } from "../../src/doctor/local/service-steps.js";
import { thisMachine, type Machine } from "../../src/doctor/machine.js";

interface Kind extends Partial<Machine> {
  readonly tools?: readonly string[];
  readonly files?: Readonly<Record<string, readonly string[]>>;
}

function machineOf({ tools = [], files = {}, ...more }: Kind): Machine {
  return {
    ...thisMachine({}),
    platform: "linux",
    container: false,
    kubernetes: false,
    systemd: false,
    has: (command) => Promise.resolve(tools.includes(command)),
    list: (path) => Promise.resolve(files[path] ?? []),
    read: () => Promise.resolve(undefined),
    run: () => Promise.resolve(undefined),
    ...more,
  };
}

const unit = { unit: "valkey-server", state: "failed" };

/** What a report would show. */
async function starting(machine: Machine, service?: typeof unit): Promise<readonly string[]> {
  const steps = await offered(await startSteps(machine, service), machine);
  return steps.map(({ say, run }) => run ?? say);
}

describe(startSteps, () => {
  it("names the unit that is installed where systemd runs", async () => {
    const machine = machineOf({ systemd: true, tools: ["systemctl", "journalctl", "docker"] });
    expect(await starting(machine, unit)).toEqual([
      "systemctl start valkey-server",
      "journalctl -u valkey-server -n 50 --no-pager",
      "docker ps -a --filter name=redis",
    ]);
  });

  it("uses the init script where systemd is installed and does not run, as in a container", async () => {
    const machine = machineOf({
      tools: ["systemctl", "service", "redis-server"],
      files: { "/etc/init.d": ["redis-server"], "/var/log/redis": ["redis-server.log"] },
    });
    expect(await starting(machine, unit)).toEqual([
      "service redis-server start",
      "tail -n 50 /var/log/redis/redis-server.log",
    ]);
  });

  it("starts the server itself where nothing else would, with its configuration if there is one", async () => {
    const bare = machineOf({ tools: ["redis-server"] });
    expect(await starting(bare)).toEqual(["redis-server --daemonize yes"]);
    const configured = machineOf({ tools: ["valkey-server"], files: { "/etc/valkey": ["valkey.conf"] } });
    expect(await starting(configured)).toEqual(["valkey-server /etc/valkey/valkey.conf"]);
  });

  it("says where to look when no Redis is installed", async () => {
    const [only] = await starting(machineOf({}));
    expect(only).toMatch(/^No Redis is installed here/);
    expect(await starting(machineOf({ tools: ["docker"] }))).toHaveLength(2);
  });

  it("uses Homebrew on macOS", async () => {
    const mac = machineOf({ platform: "darwin", tools: ["brew"] });
    expect((await starting(mac))[0]).toBe("brew services start redis");
    expect((await starting(mac)).join()).not.toMatch(/systemctl|journalctl/);
    expect(await logStep(mac)).toEqual([]);
  });
});

describe(offered, () => {
  it("leaves out what this machine does not have, and keeps what is for another machine", async () => {
    const steps = [
      { say: "See", run: "ss -ltnp | grep redis" },
      { say: "Hear", run: "(sleep 1; echo PING) | nc -w 3 h 1" },
      { say: "Ask again", run: "time getent hosts h" },
      { say: "On the Redis machine: see", run: "ss -ltnp" },
      { say: "Ask", run: "redis-cli -h h -p 1 ping" },
      { say: "Think" },
    ];
    const kept = async (...tools: readonly string[]): Promise<readonly string[]> =>
      (await offered(steps, machineOf({ tools }))).map(({ say }) => say);
    expect(await kept()).toEqual(["On the Redis machine: see", "Think"]);
    expect(await kept("nc", "getent", "redis-cli")).toEqual([
      "Hear",
      "Ask again",
      "On the Redis machine: see",
      "Ask",
      "Think",
    ]);
  });

  it("keeps the first step where this machine could take none, and says what it wants", async () => {
    const steps = [
      { say: "See", run: "ss -ltn" },
      { say: "Hear", run: "nc -w 3 h 1" },
    ];
    expect(await offered(steps, machineOf({}))).toEqual([
      { say: "See (its tool is not installed here)", run: "ss -ltn" },
    ]);
  });

  it("finds a tool of this machine and no other", async () => {
    const machine = thisMachine({ PATH: process.env["PATH"] });
    expect(await machine.has("sh")).toBe(true);
    expect(await machine.has("no-such-tool-of-anybody")).toBe(false);
  });
});

describe(firewallSteps, () => {
  const runs = async (kind: Kind, asked: readonly string[], host?: string): Promise<readonly string[]> =>
    (await firewallSteps(machineOf(kind), asked, 6379, host)).map(({ say, run }) => run ?? say);

  it("uses the tool that manages the rules, and shows the rules in force", async () => {
    expect(await runs({ tools: ["iptables", "ufw"] }, ["iptables", "ufw"])).toEqual([
      "iptables -L -n -v --line-numbers | grep -E 'DROP|REJECT|6379'",
      "ufw allow from CLIENT_ADDRESS to any port 6379 proto tcp",
    ]);
    expect((await runs({ tools: ["iptables", "ufw"] }, ["iptables"]))[1]).toMatch(/^iptables -I INPUT .*--dport 6379/);
    expect(await runs({ tools: ["nft"] }, ["nft"])).toEqual([
      "nft list ruleset",
      "nft insert rule inet filter input ip saddr CLIENT_ADDRESS tcp dport 6379 accept",
    ]);
  });

  it("opens the way out where this machine keeps its own packets in", async () => {
    expect((await runs({ tools: ["iptables"] }, ["iptables"], "10.0.0.5"))[1]).toBe(
      "iptables -I OUTPUT -p tcp -d 10.0.0.5 --dport 6379 -j ACCEPT",
    );
  });

  it("sends the reader elsewhere where no tool is installed", async () => {
    expect(await runs({}, [])).toEqual([expect.stringMatching(/^No firewall tool is installed here/) as string]);
  });
});

describe("the catalogue", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:6379"), { code: "ECONNREFUSED" });
  const stepsOn = (platform: string, systemd: boolean): string => {
    const environment = { container: false, kubernetes: false, platform, systemd };
    return JSON.stringify(classify(refused, { endpoint: { host: "127.0.0.1", port: 6379 }, environment }).next);
  };

  it("names systemd only where it runs, and the tools of the platform", () => {
    expect(stepsOn("linux", true)).toMatch(/ss -ltnp.*systemctl status redis-server/);
    expect(stepsOn("linux", false)).not.toMatch(/systemctl|brew|lsof/);
    expect(stepsOn("darwin", false)).toMatch(/lsof -nP.*brew services info redis/);
    expect(stepsOn("darwin", false)).not.toMatch(/systemctl|ss -ltnp/);
  });
});
