/**
 * Which programs a command needs, and whether this machine has them: a step is made to be pasted, and one whose tool is not
 * here is none. Each program is looked for once.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** What a shell brings along, and what stands beside every shell. */
const EVERYWHERE: ReadonlySet<string> = new Set(
  "awk cat date df echo exec for grep head id kill ls printf sed sleep sort tail time ulimit uniq wc".split(" "),
);
/** Where root's tools are, which an ordinary user's PATH leaves out. */
export const ROOT_FOLDERS: readonly string[] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/** Programs that run another one, with what stands between the two. */
const RUNNERS = /^(timeout(?= )|perl(?= -e)|sudo(?= ))(?: (?:--foreground|-e ''|\d+))* /;

/** The programs that a command line runs. */
export function toolsIn(run: string): string[] {
  return run
    .replace(/'[^']*'/g, "''")
    .split(/[|;]/)
    .flatMap((part) => namesIn(part.replace(/^[\s(]+|^\s*do\s+/, "").replace(/^time /, "")))
    .filter((name) => !EVERYWHERE.has(name));
}

function namesIn(command: string): string[] {
  const runner = RUNNERS.exec(command);
  if (runner !== null) return [runner[1] ?? "", ...namesIn(command.slice(runner[0].length))];
  const name = /^[a-z][\w-]*/.exec(command)?.[0];
  return name === undefined || name === "done" ? [] : [name];
}

const known = new Map<string, boolean>();

/** Whether a program is in this process's PATH. */
export function isHere(tool: string): boolean {
  let here = known.get(tool);
  if (here === undefined) {
    here = [...(process.env["PATH"] ?? "").split(delimiter), ...ROOT_FOLDERS].some((folder) =>
      isProgram(join(folder, tool)),
    );
    known.set(tool, here);
  }
  return here;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Node's permission model refuses the question itself.
    return false;
  }
}

/** What is to be run on another machine says so in its first words. */
export function isElsewhere(say: string): boolean {
  return say.startsWith("On ");
}
