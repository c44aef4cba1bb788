/**
 * What the owners of Lua scripts declared of them. A script may do anything, so after a lost reply it is not sent again
 * unless its definition says `readOnly: true`, `effect: "read"` or `effect: "safe"`.
 */
import { createHash } from "node:crypto";
import type { Command } from "ioredis";

/** What the owner of a Lua script declares of it: it changes nothing, or a second run changes nothing more. */
export type ScriptEffect = "read" | "safe";

/** What `defineCommand` takes, with what this package adds to it. */
export interface ScriptDefinition {
  readonly lua: string;
  readonly readOnly?: boolean | undefined;
  readonly effect?: ScriptEffect | undefined;
}

export class ScriptEffects {
  readonly #bySha = new Map<string, ScriptEffect>();

  declare(definition: ScriptDefinition): void {
    const effect = definition.effect ?? (definition.readOnly === true ? "read" : undefined);
    if (effect !== undefined) this.#bySha.set(shaOf(definition.lua), effect);
  }

  /** The declared effect of an EVAL or EVALSHA; `undefined` for other commands and undeclared scripts. */
  of(command: Command): ScriptEffect | undefined {
    if (this.#bySha.size === 0) return undefined;
    const name = command.name.toLowerCase();
    const [source] = command.args;
    if (typeof source !== "string") return undefined;
    if (name === "evalsha") return this.#bySha.get(source);
    return name === "eval" ? this.#bySha.get(shaOf(source)) : undefined;
  }
}

function shaOf(lua: string): string {
  return createHash("sha1").update(lua).digest("hex");
}
