/**
 * Everything the doctor asks the machine it runs on: files, tools, names, interfaces. Behind one interface so that a test
 * can be another machine, and so that what does not exist here (no /proc, no iptables) is an undefined and not an error.
 */
import { execFile } from "node:child_process";
import { lookup, Resolver } from "node:dns";
import { access, constants, readdir, readFile, readlink } from "node:fs/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { delimiter, join } from "node:path";
import { ROOT_FOLDERS } from "../failure/tools.js";
import { environment } from "../failure/environment.js";
import { within } from "../clock.js";
import { held } from "./background.js";

/** An address of a host. */
export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** What the doctor asks of a machine. Nothing throws except `lookup`. */
export interface Machine {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly container: boolean;
  readonly kubernetes: boolean;
  /** systemd runs here. */
  readonly systemd: boolean;
  /** Text of a file, or undefined where it cannot be read. */
  read(path: string): Promise<string | undefined>;
  /** Names in a folder; none where it cannot be read. */
  list(path: string): Promise<readonly string[]>;
  /** Where a symbolic link leads. */
  link(path: string): Promise<string | undefined>;
  /** Output of a tool, or undefined where it is missing, refuses or takes longer than `timeout` milliseconds. */
  run(command: string, args: readonly string[], timeout: number): Promise<string | undefined>;
  /** Whether a tool is installed, for root's eyes too. */
  has(command: string): Promise<boolean>;
  /** Looks a name up as a client would (getaddrinfo). Rejects with the system's error. */
  lookup(name: string, family: 0 | 4 | 6): Promise<readonly Address[]>;
  /** Asks the DNS server directly, without hosts file and search list; resolves with an error code, or "found". */
  ask(name: string, timeout: number): Promise<string>;
  interfaces(): readonly { readonly name: string; readonly address: string; readonly internal: boolean }[];
}

/** The machine that this process runs on. */
export function thisMachine(env: Readonly<Record<string, string | undefined>> = process.env): Machine {
  return {
    ...environment(),
    env,
    read: (path) => readFile(path, "utf8").catch(() => undefined),
    list: (path) => readdir(path).catch(() => []),
    link: (path) => readlink(path).catch(() => undefined),
    run: runTool,
    has: (command) => isInstalled(command, env["PATH"] ?? process.env["PATH"] ?? ""),
    lookup: ask,
    ask: askServer,
    interfaces: () =>
      Object.entries(networkInterfaces()).flatMap(([name, list]) =>
        (list ?? []).map(({ address, internal }) => ({ name, address, internal })),
      ),
  };
}

function runTool(command: string, args: readonly string[], timeout: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, [...args], { timeout, killSignal: "SIGKILL", maxBuffer: 4_000_000 }, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
  });
}

async function isInstalled(command: string, path: string): Promise<boolean> {
  const folders = [...new Set([...path.split(delimiter), ...ROOT_FOLDERS])].filter((folder) => folder !== "");
  const found = await Promise.all(
    folders.map((folder) =>
      access(join(folder, command), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

function ask(name: string, family: 0 | 4 | 6): Promise<readonly Address[]> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true, family }, (error, found) => {
      if (error !== null) reject(error);
      else resolve(found.map(({ address, family: kind }) => ({ address, family: kind === 6 ? 6 : 4 })));
    });
  });
}

function askServer(name: string, timeout: number): Promise<string> {
  return new Promise((resolve) => {
    const resolver = new Resolver({ timeout, tries: 1 });
    const timer = held(setTimeout(() => resolver.cancel(), timeout));
    resolver.resolve4(name, (error) => {
      clearTimeout(timer);
      resolve(error === null ? "found" : error.code === "ECANCELLED" ? "ETIMEOUT" : (error.code ?? "unknown"));
    });
  });
}

/** Milliseconds after which a resolver counts as one that does not answer: getaddrinfo cannot be cancelled, and may take half a minute. */
export const LOOKUP_LIMIT = 2200;

/**
 * The addresses of a name, as a client would look them up. An address comes back as it is.
 *
 * @param limit milliseconds, default 2200.
 * @throws the system's error, and one with EAI_AGAIN when `limit` passes.
 */
export async function lookUp(
  machine: Machine,
  host: string,
  family: 0 | 4 | 6,
  limit: number = LOOKUP_LIMIT,
): Promise<readonly Address[]> {
  const kind = isIP(host);
  if (kind !== 0) return [{ address: host, family: kind === 6 ? 6 : 4 }];
  const onLate = (): never => {
    const facts = { code: "EAI_AGAIN", syscall: "getaddrinfo", hostname: host };
    throw Object.assign(new Error(`getaddrinfo EAI_AGAIN ${host}`), facts);
  };
  return within(machine.lookup(host, family), limit, onLate, held);
}
