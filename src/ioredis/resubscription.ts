/**
 * Sees to it that subscriptions really come back after a reconnect: ioredis sends them once and, when that one attempt is
 * lost with the next connection or refused for a passing reason, forgets them. Tells how long nobody listened. Knows
 * commands and their outcome, not the client.
 */
import { clock, type Timer } from "../clock.js";
import { Command } from "ioredis";
import { classify } from "../failure/classify.js";
import { fullJitter, type BackoffBounds } from "../endpoint/backoff.js";

/** The event `resubscribed`: messages published meanwhile were not received. */
export interface Resubscribed {
  readonly channels: readonly string[];
  readonly patterns: readonly string[];
  readonly shardChannels: readonly string[];
  /** Milliseconds from the last sign of life of the old connection to the server's confirmation on the new one. */
  readonly gap: number;
}

export interface ResubscriptionHooks {
  readonly backoff: BackoffBounds;
  write(command: Command): void;
  isServing(): boolean;
  restored(event: Resubscribed): void;
  /** The server refuses this subscription for good. */
  refused(error: Error): void;
}

type Kind = "subscribe" | "psubscribe" | "ssubscribe";

interface Wanted {
  readonly kind: Kind;
  readonly channel: string;
}

const KINDS: ReadonlySet<string> = new Set(["subscribe", "psubscribe", "ssubscribe"]);

export class Resubscription {
  readonly #hooks: ResubscriptionHooks;
  /** Sent and not confirmed; they are in nobody else's memory. */
  readonly #wanted = new Map<string, Wanted>();
  /** Sent on this connection and not answered yet, of those that are wanted. */
  readonly #asked = new Set<string>();
  #batch: Command[] = [];
  #deafSince: number | undefined = undefined;
  #attempt = 0;
  #timer: Timer | undefined = undefined;

  constructor(hooks: ResubscriptionHooks) {
    this.#hooks = hooks;
  }

  static concerns(command: Command): boolean {
    return KINDS.has(command.name);
  }

  /** A connection was lost that had subscriptions. */
  lost(lastRead: number): void {
    this.#deafSince ??= lastRead;
    clock.clearTimeout(this.#timer);
  }

  /** The connection has left its channels, and these commands, written behind that, bring it back. */
  begunAnew(commands: readonly Command[], lastRead: number): void {
    this.lost(lastRead);
    for (const command of commands) this.sent(command);
  }

  /** A new connection: what was asked on the last one will not be answered. */
  connected(): void {
    this.#asked.clear();
  }

  /** ioredis has sent a subscription again. All that leave in one turn are confirmed together. */
  sent(command: Command): void {
    for (const channel of command.args) {
      const wanted: Wanted = { kind: command.name as Kind, channel: String(channel) };
      this.#wanted.set(keyOf(wanted), wanted);
      this.#asked.add(keyOf(wanted));
    }
    this.#batch.push(command);
    if (this.#batch.length === 1) queueMicrotask(() => void this.#verify());
  }

  /** Connected again: what was never confirmed is sent once more, each by itself, so that one refusal spoils no other. */
  ready(): void {
    for (const [key, wanted] of [...this.#wanted]) if (!this.#asked.has(key)) this.#send(wanted);
  }

  end(): void {
    clock.clearTimeout(this.#timer);
    this.#wanted.clear();
    this.#deafSince = undefined;
  }

  #send({ kind, channel }: Wanted): void {
    const command = new Command(kind, [channel]);
    this.#hooks.write(command);
    this.sent(command);
  }

  async #verify(): Promise<void> {
    const commands = this.#batch;
    this.#batch = [];
    const since = this.#deafSince;
    const outcomes = await Promise.allSettled(commands.map(({ promise }) => promise));
    const restored: Wanted[] = [];
    const refused: { readonly wanted: Wanted[]; readonly reason: unknown }[] = [];
    commands.forEach((command, at) => {
      const outcome = outcomes[at];
      const wanted = command.args.map((arg): Wanted => ({ kind: command.name as Kind, channel: String(arg) }));
      for (const one of wanted) this.#asked.delete(keyOf(one));
      if (outcome?.status === "rejected") refused.push({ wanted, reason: outcome.reason });
      else restored.push(...wanted);
    });
    for (const wanted of restored) this.#wanted.delete(keyOf(wanted));
    // A refusal of several may concern one of them: they are asked for one by one.
    const final = refused.filter(({ wanted, reason }) => wanted.length === 1 && !mayYetSucceed(reason));
    for (const { wanted, reason } of final) {
      for (const one of wanted) this.#wanted.delete(keyOf(one));
      this.#hooks.refused(reason as Error);
    }
    if (restored.length > 0) this.#report(restored, since);
    if (final.length < refused.length) this.#again();
    else {
      this.#attempt = 0;
      if (this.#wanted.size === 0) this.#deafSince = undefined;
    }
  }

  #again(): void {
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(
      () => {
        if (this.#hooks.isServing()) this.ready();
      },
      fullJitter(this.#hooks.backoff, ++this.#attempt),
    );
    this.#timer.unref();
  }

  #report(restored: readonly Wanted[], since: number | undefined): void {
    const of = (kind: Kind): string[] =>
      restored.filter((wanted) => wanted.kind === kind).map(({ channel }) => channel);
    const now = clock.now();
    this.#hooks.restored({
      channels: of("subscribe"),
      patterns: of("psubscribe"),
      shardChannels: of("ssubscribe"),
      gap: Math.round(now - (since ?? now)),
    });
  }
}

function keyOf({ kind, channel }: Wanted): string {
  return `${kind} ${channel}`;
}

/** Lost with its connection, or refused for now: worth another attempt. */
function mayYetSucceed(reason: unknown): boolean {
  const { area, retryable } = classify(reason, { written: true });
  return retryable || area === "network" || area === "client";
}
