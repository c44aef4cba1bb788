/** `--env-file`: variables of a file, under those that are set, as in `node --env-file`. */
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { shownPath, UsageError } from "./usage.js";

/** Environment variables with their origins. */
export interface Variables {
  readonly env: NodeJS.Dict<string>;
  /** A variable as the origin of a value: `REDIS_URL`, or `REDIS_URL in .env` when the file has it. */
  readonly originOf: (variable: string) => string;
}

/** The variables of the process and, if a path is given, of the file there. */
export function variablesFrom(path: string | undefined, env: NodeJS.Dict<string>): Variables {
  if (path === undefined) return { env, originOf: (variable) => variable };
  const inFile = read(path);
  return {
    env: { ...inFile, ...env },
    originOf: (variable) =>
      Object.hasOwn(inFile, variable) && env[variable] === undefined ? `${variable} in ${shownPath(path)}` : variable,
  };
}

function read(path: string): NodeJS.Dict<string> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${shownPath(path)} (${(error as NodeJS.ErrnoException).code ?? "unreadable"})`);
  }
  // What is behind a NUL is lost without a word; UTF-16, as some editors save it, is full of them.
  if (text.includes("\0")) throw new UsageError(`${shownPath(path)} is not a text file in UTF-8`);
  if (text.startsWith("\uFEFF")) {
    throw new UsageError(
      `${shownPath(path)} begins with a byte order mark, which hides its first variable from node --env-file: save it as UTF-8 without one`,
    );
  }
  return parseEnv(text);
}
