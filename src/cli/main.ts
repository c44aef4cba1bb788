#!/usr/bin/env node
/**
 * The `ioredoubt` command: hands the rest of the line to the command that was named. Each command is loaded only when it is
 * used, and none of them knows of the others.
 */
import { closest } from "../suggest.js";
import type { Output } from "./config.js";
import { ownVersion } from "../own-version.js";

const HELP = `ioredoubt: what a Redis client does when Redis does not

  ioredoubt config            the effective policy, where each value comes from,
                              and what it means
  ioredoubt doctor [url]      why a connection does not work, and what to do;
                              without a URL, the environment says where to look
  ioredoubt explain <code>    what a failure code such as CONNECTION_REFUSED, or
                              a pasted error, means and what to do
  ioredoubt <command> --help  the options of a command
  ioredoubt --version
`;

type Command = (args: readonly string[], out: Output) => number | Promise<number>;

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  config: async () => (await import("./config.js")).runConfig,
  doctor: async () => (await import("./doctor.js")).runDoctor,
  explain: async () => (await import("./explain.js")).runExplain,
};

async function main(args: readonly string[], out: Output): Promise<number> {
  const [name = "--help", ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    out.write(HELP);
    return 0;
  }
  if (name === "--version" || name === "-v") {
    out.write(`${ownVersion()}\n`);
    return 0;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    // What was written may be a URL with its password, so it is not repeated.
    const meant = /^[a-z-]{2,20}$/i.test(name) ? closest(name, Object.keys(COMMANDS)) : undefined;
    const address = /[:@/]/.test(name) ? " For an address write: ioredoubt doctor <url>." : "";
    const hint = meant === undefined ? address : ` Did you mean ioredoubt ${meant}?`;
    out.write(`There is no such command.${hint}\n\n${HELP}`);
    return 2;
  }
  const command = await load();
  return command(rest, out);
}

// `ioredoubt doctor | head`: the reader has left, and a stack trace helps nobody
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(2);
});

void main(process.argv.slice(2), process.stdout).then((code) => (process.exitCode = code));
