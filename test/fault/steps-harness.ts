/** The commands of the catalogue, and how a person would run them: pasted into a shell, without a terminal. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { entryOf } from "../../src/failure/catalogue.js";
import { CODES, type Code } from "../../src/failure/codes.js";
import { NO_FACTS, type Facts } from "../../src/failure/facts.js";
import { conditionsOf, type Step } from "../../src/failure/template.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface Command {
  readonly code: Code;
  readonly say: string;
  readonly template: string;
  readonly when: readonly string[];
}

/** All of them. */
export const COMMANDS: readonly Command[] = CODES.flatMap((code) =>
  entryOf(code).next.flatMap((text) =>
    typeof text === "string" || text.run === undefined ? [] : [commandOf(code, text, text.run)],
  ),
);

function commandOf(code: Code, text: Step, template: string): Command {
  return { code, say: text.say, template, when: conditionsOf(text) };
}

/** What a process on Linux knows of a server on its own machine. */
export const LOCAL: Facts = {
  ...NO_FACTS,
  host: "127.0.0.1",
  platform: "linux",
  pid: process.pid,
  command: "GET",
  user: undefined,
};

/** Longer than the longest a command gives itself, and a loaded machine on top. */
export const PATIENCE = 25_000;

export interface Ran {
  readonly run: string;
  readonly ended: boolean;
  /** What it wrote, on both outputs. */
  readonly text: string;
}

export interface Surroundings {
  /** What is typed. */
  readonly input?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Runs a command line as a shell does, in a process group of its own. */
export function execute(run: string, { input, env }: Surroundings = {}): Promise<Ran> {
  return new Promise((resolve) => {
    // In this repository the package is not in node_modules; its command is what was built.
    const line = run.replace("npx --no ioredoubt", `node ${MAIN}`);
    const child = spawn("bash", ["-c", line], {
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, ...env },
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (text += chunk.toString()));
    let ended = true;
    const late = setTimeout(() => {
      ended = false;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, PATIENCE);
    child.on("close", () => {
      clearTimeout(late);
      resolve({ run, ended, text });
    });
  });
}

/** A few at a time: each is a process or several. */
export async function inTurns<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: 6 }, worker));
}
