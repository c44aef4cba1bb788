/** Which arguments of a command are keys: for a cluster they say which node serves it. */
import { BLOCKING, blockOf } from "./blocking.js";
import { COMMANDS } from "./commands.js";

export function keysOf(name: string, args: readonly string[]): readonly string[] {
  if (BLOCKING.has(name)) return name === "blpop" || name === "brpop" ? blockOf(name, args).keys : args.slice(0, 2);
  switch (name) {
    case "eval":
    case "evalsha":
      return args.slice(2, 2 + Number(args[1]));
    case "watch":
    case "ssubscribe":
      return args;
    case "spublish":
      return args.slice(0, 1);
    default:
      return COMMANDS.get(name)?.keys(args) ?? [];
  }
}
