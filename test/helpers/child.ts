/**
 * Runs a script in a Node process of its own: for what can only be seen from outside, such as whether a process ends by
 * itself, what it prints, and which rejections nobody handled.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ChildResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It did not end by itself and was killed. */
  readonly timedOut: boolean;
  /** Unhandled rejections and uncaught exceptions, as `Name: message` lines. They are recorded, and do not end the process. */
  readonly unhandled: readonly string[];
  /** Milliseconds from start to exit. */
  readonly elapsed: number;
}

export interface ChildOptions {
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds after which it is killed. Default 20,000. */
  readonly timeout?: number;
  readonly cwd?: string;
  /** What the shell's `ulimit` is told first, e.g. `-n 64`. */
  readonly limit?: string;
}

const MARK = "\u0001unhandled\u0001";
const PRELOAD = `
for (const event of ["unhandledRejection", "uncaughtException"]) {
  process.on(event, (reason) => {
    const text = reason instanceof Error ? reason.name + ": " + reason.message : String(reason);
    process.stderr.write(${JSON.stringify(MARK)} + JSON.stringify(text) + "\\n");
  });
}
`;

/** Runs a script file. Resolves in any case, with what was seen. */
export async function runScript(file: string, options: ChildOptions = {}): Promise<ChildResult> {
  const dir = mkdtempSync(join(tmpdir(), "lab-child-"));
  try {
    const preload = join(dir, "preload.mjs");
    writeFileSync(preload, PRELOAD);
    return await run(["--import", preload, ...(options.nodeArgs ?? []), file, ...(options.args ?? [])], options);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Runs ESM source text from the repository's root, so that bare imports resolve there. */
export async function runSource(source: string, options: ChildOptions = {}): Promise<ChildResult> {
  const args = ["--input-type=module", "--eval", PRELOAD + source, "--", ...(options.args ?? [])];
  return run([...(options.nodeArgs ?? []), ...args], options);
}

function run(args: readonly string[], options: ChildOptions): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const [file, given] =
      options.limit === undefined
        ? [process.execPath, args]
        : ["sh", ["-c", `ulimit ${options.limit}; exec "$0" "$@"`, process.execPath, ...args]];
    const child = spawn(file, given, {
      cwd: options.cwd ?? join(import.meta.dirname, "../.."),
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let timedOut = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, options.timeout ?? 20_000);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const lines = stderr.split("\n");
      const unhandled = lines
        .filter((line) => line.startsWith(MARK))
        .map((line) => String(JSON.parse(line.slice(MARK.length))));
      const rest = lines.filter((line) => !line.startsWith(MARK)).join("\n");
      resolve({ stdout, stderr: rest, code, signal, timedOut, unhandled, elapsed: performance.now() - start });
    });
  });
}
