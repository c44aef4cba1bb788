/** The logger of a run: it keeps what must not be in a log line. */
import type { Scenario } from "../program/scenario.js";
import type { Timeline } from "../world/timeline.js";
import type { Violation } from "./violation.js";

export class LogBook {
  readonly #secrets: RegExp;
  readonly #timeline: Timeline;
  readonly #violations: Violation[] = [];

  constructor({ password }: Scenario, timeline: Timeline) {
    this.#timeline = timeline;
    this.#secrets = new RegExp(`val:\\d${password === undefined ? "" : `|${password}`}`);
  }

  readonly debug = (): void => undefined;
  readonly info = (fields: object, text?: string): void => this.#line("info", fields, text);
  readonly warn = (fields: object, text?: string): void => this.#line("warn", fields, text);
  readonly error = (fields: object, text?: string): void => this.#line("error", fields, text);
  readonly fatal = (fields: object, text?: string): void => this.#line("fatal", fields, text);

  #line(level: string, fields: object, text = ""): void {
    this.#timeline.note("client", `log ${level}: ${text}`);
    if (this.#secrets.test(text) || this.#secrets.test(JSON.stringify(fields))) {
      this.#violations.push({ property: "secrets", at: 0, text: `a log line holds a value: ${text}` });
    }
  }

  /** An error that callers or listeners get: it ends in somebody's log. */
  told(error: Error): void {
    if (!this.#secrets.test(error.message)) return;
    this.#violations.push({ property: "secrets", at: 0, text: `an error holds a value: ${error.message}` });
  }

  violations(): readonly Violation[] {
    return this.#violations;
  }
}
