/**
 * How Redis is started on this machine, and where it says why it stopped: by what is installed here. Every way is listed, the
 * likeliest first; those whose tool is missing are taken out of the report.
 */
import type { NextStep } from "../../failure/diagnosis.js";
import type { Machine } from "../machine.js";
import { LOGS, serviceFacts, type ServiceFacts } from "./server-log.js";

const CONFIGS = ["/etc/redis/redis.conf", "/etc/redis.conf", "/etc/valkey/valkey.conf", "/usr/local/etc/redis.conf"];
const NAMES = ["redis-server", "redis", "valkey-server", "valkey"];
const BINARIES = ["redis-server", "valkey-server"];

/** `service`: the unit, where it has been looked for already. */
export async function startSteps(machine: Machine, service?: ServiceFacts): Promise<NextStep[]> {
  if (machine.platform === "darwin") {
    return [
      { say: "Start it", run: "brew services start redis" },
      { say: "See why it stopped (the last lines say so)", run: 'tail -n 50 "$(brew --prefix)/var/log/redis.log"' },
      CONTAINER,
    ];
  }
  const steps = [...(await starts(machine, service)), ...(await logs(machine, service)), CONTAINER];
  return steps.length > 1 ? steps : [CONTAINER, ELSEWHERE];
}

const CONTAINER: NextStep = {
  say: "In a container? See whether it is up and its port published",
  run: "docker ps -a --filter name=redis",
};
const ELSEWHERE: NextStep = {
  say: "No Redis is installed here: start it where it belongs, or give the client the address of the machine that runs it",
};

async function starts(machine: Machine, service: ServiceFacts | undefined): Promise<NextStep[]> {
  if (machine.systemd && service !== undefined) return [{ say: "Start it", run: `systemctl start ${service.unit}` }];
  const scripts = await machine.list("/etc/init.d");
  const script = NAMES.find((name) => scripts.includes(name));
  if (script !== undefined && (await machine.has("service")))
    return [{ say: "Start it", run: `service ${script} start` }];
  const installed = await Promise.all(BINARIES.map((name) => machine.has(name)));
  const binary = BINARIES.find((_, i) => installed[i]);
  if (binary === undefined) return [];
  const config = await firstFile(machine, CONFIGS);
  return [{ say: "Start it", run: `${binary} ${config ?? "--daemonize yes"}` }];
}

async function logs(machine: Machine, service: ServiceFacts | undefined): Promise<NextStep[]> {
  if (machine.systemd && service !== undefined)
    return [
      { say: "See why it stopped (the last lines say so)", run: `journalctl -u ${service.unit} -n 50 --no-pager` },
    ];
  const log = await firstFile(machine, LOGS);
  return log === undefined ? [] : [{ say: "See why it stopped (the last lines say so)", run: `tail -n 50 ${log}` }];
}

/** Where the log of a server on this machine is, however it is kept here. */
export async function logStep(machine: Machine): Promise<NextStep[]> {
  const found = machine.platform === "darwin" ? [] : await logs(machine, await serviceFacts(machine));
  return found.map(({ run }) => ({ say: "See what its log says", run }));
}

/** By name: the file itself may be closed to this user. */
async function firstFile(machine: Machine, paths: readonly string[]): Promise<string | undefined> {
  const there = await Promise.all(
    paths.map(async (path) => {
      const slash = path.lastIndexOf("/");
      return (await machine.list(path.slice(0, slash))).includes(path.slice(slash + 1));
    }),
  );
  return paths.find((_, i) => there[i]);
}
