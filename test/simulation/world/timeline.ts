/** What happened, in the order of virtual time: for people (`--trace`) and for telling two runs apart (a running hash). */

export type Column = "client" | "network" | "server";

export interface TimelineEntry {
  readonly at: number;
  readonly column: Column;
  readonly text: string;
}

/** What the service is called in a timeline. Its real name differs from run to run. */
export const ANY_NAME = "redis.test";

export class Timeline {
  readonly #name: string;
  readonly entries: TimelineEntry[] = [];
  readonly #time: () => number;
  /** Whether entries are kept. The hash is always made. */
  isKept = false;
  /** Of everything noted so far: two runs that differ anywhere differ here. */
  hash = 0x811c9dc5;

  constructor(time: () => number, name: string) {
    this.#time = time;
    this.#name = name;
  }

  /** `detail` is put behind it where entries are kept: to say everything for the hash alone takes too long. */
  note(column: Column, noted: string, detail?: () => string): void {
    const text = noted.replaceAll(this.#name, ANY_NAME);
    const at = this.#time();
    let hash = Math.imul(this.hash ^ Math.round(at * 1000), 0x01000193);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    this.hash = hash >>> 0;
    if (this.isKept) this.entries.push({ at, column, text: detail === undefined ? text : text + detail() });
  }
}
