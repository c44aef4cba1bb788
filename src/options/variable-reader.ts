/**
 * Reads single environment variables as texts, numbers, switches, files and address lists, and collects what is wrong with
 * them. Shows shapes, never values.
 */
import { readFileSync } from "node:fs";
import type { ConfigProblem } from "../failure/errors.js";
import { isWithin } from "./check-redis-options.js";
import type { Environment } from "./environment-policy.js";
import { parseDuration, parseSwitch } from "./parse.js";
import { shapeOf } from "./shape.js";

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads single variables and collects what is wrong with them. */
export class VariableReader {
  readonly problems: ConfigProblem[] = [];
  readonly origins = new Map<string, string>();
  readonly #env: Environment;
  readonly #start: string;

  constructor(env: Environment, start: string) {
    this.#env = env;
    this.#start = start;
  }

  wrong(variable: string, given: string, allowed: string): void {
    this.problems.push({ path: this.#start + variable, given, allowed });
  }

  raw(variable: string): string | undefined {
    return this.#env[this.#start + variable];
  }

  /** A plain text. An empty one counts as unset for what may be empty, and is a problem for the rest. */
  text(variable: string, option: string): string | undefined {
    const text = this.raw(variable);
    if (text === undefined) return undefined;
    if (text.trim() === "") {
      if (!/USERNAME|PASSWORD|KEY_PREFIX/.test(variable))
        this.wrong(variable, "is set but empty", "give it a value or remove it");
      return undefined;
    }
    this.origins.set(option, this.#start + variable);
    return /PASSWORD|KEY_PREFIX/.test(variable) ? text : text.trim();
  }

  /** A text that may be in a file instead: `REDIS_PASSWORD` or `REDIS_PASSWORD_FILE`. */
  secret(variable: string, option: string): string | undefined {
    const direct = this.text(variable, option);
    if (this.raw(`${variable}_FILE`) === undefined) return direct;
    if (direct !== undefined) {
      this.wrong(`${variable}_FILE`, `is set beside ${variable}`, "use one of the two");
      return direct;
    }
    return this.file(`${variable}_FILE`, option)?.replace(/\r?\n$/, "");
  }

  file(variable: string, option: string): string | undefined {
    const path = this.text(variable, option);
    if (path === undefined) return undefined;
    try {
      const content = readFileSync(path, "utf8");
      if (content.trim() !== "") return content;
      this.wrong(variable, "names an empty file", "must name a file with a value in it");
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
      this.wrong(
        variable,
        `names a file that cannot be read (${code})`,
        "must be the path of a file this process may read",
      );
    }
    return undefined;
  }

  number(variable: string, option: string, min: number, max: number): number | undefined {
    const text = this.text(variable, option);
    if (text === undefined) return undefined;
    if (isWithin(text, { min, max }, true)) return Number(text);
    this.wrong(variable, shapeOf(text), `must be a whole number from ${min} to ${max}`);
    return undefined;
  }

  duration(variable: string, option: string): number | undefined {
    const text = this.text(variable, option);
    const value = text === undefined ? undefined : parseDuration(text);
    if (text === undefined || (value !== undefined && value >= 0)) return value;
    this.wrong(variable, shapeOf(text), "write 250ms, 5s, 2m or a plain number of milliseconds");
    return undefined;
  }

  flag(variable: string, option: string): boolean | undefined {
    const text = this.text(variable, option);
    const value = text === undefined ? undefined : parseSwitch(text);
    if (text !== undefined && value === undefined) this.wrong(variable, shapeOf(text), "write on or off");
    return value;
  }

  nodes(variable: string, option: string): NodeAddress[] {
    const text = this.text(variable, option);
    if (text === undefined) return [];
    return text.split(",").flatMap((part) => {
      const match = /^\s*(?:\[([^\]]+)\]|([^\s:[\]/@]+))(?::(\d{1,5}))?\s*$/.exec(part);
      const host = match?.[1] ?? match?.[2];
      const port = Number(match?.[3] ?? (option === "sentinels" ? 26_379 : 6379));
      if (host !== undefined && isWithin(port, { min: 1, max: 65_535 })) return [{ host, port }];
      this.wrong(
        variable,
        shapeOf(part),
        "must be host:port pairs with commas between, e.g. a.internal:6379,b.internal:6379",
      );
      return [];
    });
  }
}
