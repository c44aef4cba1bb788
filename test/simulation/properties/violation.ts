/** A promise that was broken. */

export const PROPERTIES = {
  settled: "every call settles, exactly once",
  "in-time": "every call settles within its deadline",
  once: "nothing is executed twice unless that was asked for",
  "applied-no": "what is reported as not applied was not executed",
  acknowledged: "what is acknowledged was executed",
  reply: "a reply belongs to the call that gets it",
  order: "commands of one key on one client take effect in the order in which they were issued",
  "multi-whole": "the commands of a MULTI are executed in one EXEC or not at all",
  guard: "a transaction overwrites nothing that its WATCH has not seen",
  database: "a command is executed in the database that was selected for it",
  linearizable: "the history of each key can be explained by one order of its operations",
  bounds: "what waits stays within the limits of the queue",
  truth: "what stats() and health() say agrees with what callers are told",
  healthy: "while servers and network do what they should, nobody is told that they do not",
  heals: "once the world has healed, every client serves again",
  subscribed: "a subscription that was granted is there again once the world has healed",
  closed: "nothing is left after close(): no timer, no socket",
  process: "the process goes on: no uncaught error, no unhandled rejection, no warning",
  secrets: "no value, key of a value or password in errors and log lines",
} as const;

export type Property = keyof typeof PROPERTIES;

export interface Violation {
  readonly property: Property;
  readonly at: number;
  readonly text: string;
}
