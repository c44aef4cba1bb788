/** Every call of a run: what was asked, what the server did about it, and what the caller was told. */
import type { Execution, Server } from "../server/server.js";
import { identityOf } from "./commands.js";
import type { CommandData } from "./scenario.js";

export interface Outcome {
  readonly ok: boolean;
  readonly value?: unknown;
  readonly error?: Error;
  /** Code of the package, or the first word of a server's error. */
  readonly code?: string | undefined;
  readonly applied?: string | undefined;
}

/** An execution, in the order of all executions of the run. */
export interface Executed extends Execution {
  readonly number: number;
}

/** Members of a MULTI. */
export interface Group {
  readonly id: number;
  readonly how: "batch" | "interactive" | "transaction" | "by hand";
}

/** What is known of a call when it is made. */
type Opening = Pick<Entry, "id" | "what" | "domain" | "client" | "command" | "allowed" | "group" | "mayRepeat">;

export class Entry {
  readonly id: number;
  readonly what: string;
  /** Whoever's order counts: a client with its views, or one loan. */
  readonly domain: string;
  readonly client: number;
  readonly command: CommandData | undefined;
  readonly issuedAt: number;
  /** Milliseconds after which it must have settled; `Infinity` for never. */
  readonly allowed: number;
  readonly group: Group | undefined;
  /** In the order in which the calls were made. */
  readonly order: number;
  /** It may be executed twice: the caller asked for it. */
  readonly mayRepeat: boolean;
  readonly executions: Executed[] = [];
  outcome: Outcome | undefined = undefined;
  settledAt = Infinity;
  /** How often its callback or promise told an outcome. */
  settlements = 0;

  constructor(fields: Opening, issuedAt: number, order: number) {
    this.id = fields.id;
    this.what = fields.what;
    this.domain = fields.domain;
    this.client = fields.client;
    this.command = fields.command;
    this.issuedAt = issuedAt;
    this.allowed = fields.allowed;
    this.group = fields.group;
    this.order = order;
    this.mayRepeat = fields.mayRepeat;
  }
}

/** A SELECT that the program issued. */
export interface Selected {
  readonly order: number;
  readonly database: number;
  outcome: Outcome | undefined;
}

/** A write inside EXEC whose guard did not hold. */
export interface LostGuard {
  readonly at: number;
  readonly id: number;
  readonly key: string;
  readonly expected: string;
  readonly found: string;
}

export class Ledger {
  readonly entries: Entry[] = [];
  readonly #byId = new Map<number, Entry>();
  /** Keys whose history a promotion or a restart without data has cut. */
  readonly lostKeys = new Set<string>();
  readonly lostGuards: LostGuard[] = [];
  /** Calls that were given less time by their caller than others: they may be too short for a dial. */
  readonly hurried = new Set<Entry>();
  readonly #now: () => number;
  #orders = 0;
  #executions = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  nextOrder(): number {
    return ++this.#orders;
  }

  open(fields: Opening): Entry {
    const entry = new Entry(fields, this.#now(), this.nextOrder());
    this.entries.push(entry);
    this.#byId.set(entry.id, entry);
    return entry;
  }

  settle(entry: Entry, outcome: Outcome): void {
    entry.settlements++;
    if (entry.outcome !== undefined) return;
    entry.outcome = outcome;
    entry.settledAt = this.#now();
  }

  executed(execution: Execution): void {
    const number = ++this.#executions;
    const id = identityOf(execution.name, execution.args);
    if (id !== undefined) this.#byId.get(id)?.executions.push({ ...execution, number });
  }

  /** A write that carries what its caller has read before must find just that. */
  executing(
    server: Server,
    database: number,
    name: string,
    args: readonly string[],
    transaction: number | undefined,
  ): void {
    if (name !== "set") return;
    const [key = "", value = ""] = args;
    const expected = /^val:(\d+)<(\d+)$/.exec(value);
    if (expected === null) return;
    const current = server.keyspace.get(database, key);
    const found = current?.type === "string" ? (/val:(\d+)/.exec(current.text)?.[1] ?? "?") : "0";
    if (found === expected[2] && transaction !== undefined) return;
    this.lostGuards.push({
      at: this.#now(),
      id: Number(expected[1]),
      key,
      expected: expected[2] ?? "",
      found: transaction === undefined ? `${found}, outside MULTI` : found,
    });
  }
}

/** What a settled promise says, in the ledger's words. */
export function succeeded(value: unknown): Outcome {
  return { ok: true, value };
}

export function failed(error: unknown): Outcome {
  if (!(error instanceof Error)) return { ok: false, error: new Error(String(error)), code: "NOT_AN_ERROR" };
  const told = error as Error & {
    readonly code?: string;
    readonly applied?: string;
    readonly diagnosis?: { readonly applied?: string };
  };
  const { code } = told;
  const isReply = error.name === "ReplyError";
  return {
    ok: false,
    error,
    code: isReply ? error.message.split(" ", 1)[0] : (code ?? error.name),
    // A diagnosis is made when it is read.
    applied: told.applied ?? told.diagnosis?.applied,
  };
}
