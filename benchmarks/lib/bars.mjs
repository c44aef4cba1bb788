/** What a benchmark demands, and whether it was met: printed one a line, kept for JSON, and the exit code of the process. */

/** @typedef {{ name: string, met: boolean, seen: string }} Bar */

export class Bars {
  /** @type {Bar[]} */
  all = [];

  /**
   * @param {string} name
   * @param {boolean} met
   * @param {string} seen
   */
  note(name, met, seen) {
    this.all.push({ name, met, seen });
    if (!met) process.exitCode = 1;
  }

  /** The same, and prints it at once. @param {string} name @param {boolean} met @param {string} seen */
  tell(name, met, seen) {
    this.note(name, met, seen);
    console.log(line({ name, met, seen }));
  }

  /** One line a bar. */
  text() {
    return this.all.map(line).join("\n");
  }
}

/** @param {Bar} bar */
function line({ name, met, seen }) {
  return `${met ? "met   " : "MISSED"}  ${name}: ${seen}`;
}
