/**
 * `node --import ioredoubt/register app.js`, or `--require`: whatever the program and its packages import as `ioredis` is this package,
 * in CommonJS and in ES modules. Each copy of ioredis that is installed, nested ones too, gets this package built on that copy. Nothing
 * is loaded before the program asks for it, so that agents that are preloaded as well find ioredis untouched.
 */
import { hook } from "./hook.js";

const OFF = process.env["IOREDOUBT_OFF"]?.trim() ?? "";

if (/^(?:1|true|on|yes)$/i.test(OFF)) {
  process.emitWarning(`ioredoubt/register does nothing (IOREDOUBT_OFF=${OFF}): ioredis is what is imported.`);
} else {
  hook();
}
