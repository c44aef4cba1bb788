/** Makes ioredis's commands, and reads what they know, for those who may not touch ioredis themselves. */
import { Command, Redis as IORedis } from "ioredis";
import { internalsOf } from "./internals.js";
import { keepOrderOfScript } from "./script-sends.js";

/** A command that nobody has sent yet. */
export function makeCommand(
  name: string,
  args: readonly (string | Buffer | number)[],
  replyEncoding?: BufferEncoding,
): Command {
  return new Command(name, [...args], replyEncoding === undefined ? undefined : { replyEncoding });
}

/** The hash slot of a key, as Redis Cluster counts them. */
export function slotOf(key: string | Buffer): number {
  return new Command("get", [key]).getSlot();
}

/** The hash slot of a command's keys; -1 without keys, or when they are in several. */
export function slotOfCommand(command: Slotted): number {
  return command.getSlot() ?? -1;
}

/** As ioredis's commands are; their types know no command without keys. */
interface Slotted {
  getSlot(): number | null;
}

/** Gives a client the scripts that another one was taught by `defineCommand`. `isInMulti`: an interactive MULTI is open on it. */
export function copyScripts(from: IORedis, to: IORedis, isInMulti: () => boolean): void {
  for (const [name, { lua, numberOfKeys, readOnly }] of Object.entries(internalsOf(from).scriptsSet)) {
    const keys = numberOfKeys === null ? {} : { numberOfKeys };
    if (name in to) continue;
    IORedis.prototype.defineCommand.call(to, name, { lua, readOnly, ...keys });
    keepOrderOfScript(to, name, isInMulti);
  }
}
