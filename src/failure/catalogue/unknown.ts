/** What is said when no signature matches: what is known, and how to find out the rest. */
import type { Entry } from "./entry.js";

export const UNKNOWN: Entry = {
  code: "UNKNOWN",
  area: "unknown",
  severity: "error",
  retryable: false,
  breaker: "none",
  applied: "lost",
  name: "not recognised",
  title: "A failure that matches no known signature.",
  means: "The text is passed on as it is. Since nothing is known, the command may have been executed.",
  why: ["An error of the program, of a library, or of a server this catalogue does not know yet."],
  next: [
    "Read the text below `seen`, and the error's stack.",
    { say: "See whether the server is well", run: "{cli} ping" },
    { say: "Let the doctor look", run: "npx ioredoubt doctor" },
  ],
  findOut: [
    "If it comes from the server, its first word is the error's kind.",
    "If it comes from a library, the first frame of the stack names it.",
  ],
  fix: ["Find the text in the documentation of the server or library."],
  prevent: ["Report it: a signature is one row."],
  examples: [],
  unlogged: "What is not recognised cannot be provoked.",
  recorded: "Whatever matches no row; property tests produce it.",
};
