/**
 * Reads single environment variables as texts, numbers, switches, files and address lists, and collects what is wrong with
 * them. Shows shapes, never values.
 */
import type { ConfigProblem } from "../../failure/errors.js";
import { isWithin } from "../input/check-redis-options.js";
import { pemMistake, type PemMistake } from "../input/check-tls.js";
import type { Environment } from "./policy-variables.js";
import { parseDuration, parseSwitch } from "./parse.js";
import { LONGEST_TIMER } from "../fields.js";
import { isPlaceholder, mistakeIn, numberOrShape, shapeOf } from "../input/value-shape.js";
import { readText } from "./text-file.js";

/** Host and port of a Sentinel or a Cluster node. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

const MAY_BE_EMPTY = /(USERNAME|PASSWORD|KEY_PREFIX)$/;
/** Every character counts, spaces at the ends too. */
const VERBATIM = /(PASSWORD|KEY_PREFIX)$/;

const PEM_PROBLEMS: Readonly<Record<PemMistake, readonly [given: string, allowed: string]>> = {
  "not-pem": ["names a file that is not in PEM", "must name a file with -----BEGIN in it"],
  "written-breaks": ["names a file with \\n written out in it", "must name a file with line breaks in their place"],
  damaged: ["names a file that holds no readable certificate or key", "must name an undamaged file in PEM"],
};

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

  /** The variable as it is called here, with the prefix. */
  named(variable: string): string {
    return this.#start + variable;
  }

  raw(variable: string): string | undefined {
    return this.#env[this.#start + variable];
  }

  /** A plain text. An empty one counts as unset for what may be empty, and is a problem for the rest. */
  text(variable: string, option: string): string | undefined {
    const text = this.raw(variable);
    if (text === undefined) return undefined;
    if (text.trim() === "") {
      if (!MAY_BE_EMPTY.test(variable)) this.wrong(variable, "is set but empty", "give it a value or remove it");
      return undefined;
    }
    this.origins.set(option, this.#start + variable);
    if (!VERBATIM.test(variable)) {
      const mistake = mistakeIn(text);
      if (mistake === undefined) return text.trim();
      this.wrong(variable, shapeOf(text), mistake);
      return undefined;
    }
    // Spaces may be meant; a line break is left over from a file with other line ends.
    if (/[\r\n]$/.test(text))
      this.wrong(variable, `${shapeOf(text)} that ends in a line break`, "remove the line break");
    return text;
  }

  /** A text that may be in a file instead: `REDIS_PASSWORD` or `REDIS_PASSWORD_FILE`. */
  secret(variable: string, option: string): string | undefined {
    const direct = this.text(variable, option);
    if (direct !== undefined && isPlaceholder(direct)) {
      this.wrong(variable, "is a placeholder that was not replaced", "must be the value itself");
    }
    if (this.raw(`${variable}_FILE`) === undefined) return direct;
    if (direct !== undefined) {
      this.wrong(`${variable}_FILE`, `is set beside ${this.named(variable)}`, "use one of the two");
      return direct;
    }
    const text = this.file(`${variable}_FILE`, option)?.replace(/\r?\n$/, "");
    if (text === undefined || !/[\r\n]$/.test(text)) return text;
    this.wrong(`${variable}_FILE`, "names a file that ends in several line breaks", "leave one at most");
    return undefined;
  }

  file(variable: string, option: string): string | undefined {
    const path = this.text(variable, option);
    if (path === undefined) return undefined;
    if (path.includes("-----BEGIN")) {
      this.wrong(variable, "holds the text of a file", "must be the path of the file");
      return undefined;
    }
    const file = readText(path);
    if (!("text" in file)) this.wrong(variable, file.given, file.allowed);
    else if (file.text.trim() === "") {
      this.wrong(variable, "names an empty file", "must name a file with a value in it");
    } else return file.text;
    return undefined;
  }

  /** The text of a certificate or key. */
  pem(variable: string, option: string, kind: "certificate" | "key"): string | undefined {
    const text = this.file(variable, option);
    const mistake = text === undefined ? undefined : pemMistake(text, kind);
    if (mistake !== undefined) this.wrong(variable, ...PEM_PROBLEMS[mistake]);
    return text;
  }

  number(variable: string, option: string, min: number, max: number): number | undefined {
    const text = this.text(variable, option);
    if (text === undefined) return undefined;
    if (isWithin(text, { min, max }, true)) return Number(text);
    this.wrong(variable, shapeOf(text), `must be a whole number from ${min} to ${max}`);
    return undefined;
  }

  family(variable: string, option: string): number | undefined {
    const text = this.text(variable, option);
    if (text === undefined || ["0", "4", "6"].includes(text)) return text === undefined ? text : Number(text);
    this.wrong(variable, shapeOf(text), "must be 4, 6, or 0 for both");
    return undefined;
  }

  /** Whole milliseconds, as ioredis takes them. */
  duration(variable: string, option: string): number | undefined {
    const text = this.text(variable, option);
    if (text === undefined) return undefined;
    const value = parseDuration(text);
    if (isWithin(value, { min: 0, max: LONGEST_TIMER })) return value;
    const allowed =
      value === undefined
        ? "write 250ms, 5s, 2m, 1h or a plain number of milliseconds"
        : `must be whole milliseconds, 0 to ${LONGEST_TIMER}`;
    this.wrong(variable, numberOrShape(value ?? text), allowed);
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
