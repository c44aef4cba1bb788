/**
 * A batch that was written as one and of which nothing but replies has been heard: its last member has a call, which carries the
 * deadline, and the others have none. Whoever needs to know one of them apart (an error reply, a lost connection, a deadline
 * that passes) asks for its call; then all have one, as if they had been sent one by one.
 */
import type { Command } from "ioredis";
import { factsOf } from "../command/facts.js";
import { isPutOff } from "./batch.js";
import { reserveOrders, type Call, type Carrier } from "./call.js";
import type { BatchReplies, BatchStream } from "./ports.js";

export interface FlightOwner {
  /** All members but the last are answered, and it is about to be. */
  landing(flight: Flight): void;
  expand(flight: Flight): void;
}

/** A larger batch would take too long to tell apart in one turn. */
const LARGEST = 5_000;

export type FlightKind = "pipeline" | "transaction";

/** As what a batch may fly: members that need nothing but to be written, alone or between MULTI and EXEC. */
export function kindOf(commands: readonly Command[]): FlightKind | undefined {
  const { length } = commands;
  if (length === 0 || length > LARGEST) return undefined;
  const isTransaction = length > 1 && sessionAt(commands, 0) === "multi" && sessionAt(commands, length - 1) === "exec";
  const from = isTransaction ? 1 : 0;
  const to = isTransaction ? length - 1 : length;
  for (let place = from; place < to; place++) {
    const { isStateless, touchesSession } = factsOf((commands[place] as Command).name);
    if (!isStateless || touchesSession) return undefined;
  }
  return isTransaction ? "transaction" : "pipeline";
}

function sessionAt(commands: readonly Command[], place: number): string | undefined {
  return factsOf((commands[place] as Command).name).session;
}

export class Flight implements BatchReplies, Carrier {
  readonly commands: readonly Command[];
  readonly stream: BatchStream;
  readonly kind: FlightKind;
  readonly sentAt: number;
  /** The place of its first member among all calls. */
  readonly order: number;
  /** Members whose replies have been passed on, while they have no calls. */
  answered = 0;
  /** A member of a transaction was executed before its EXEC. */
  partial = false;
  isExpanded = false;
  /** The call of the last member, once there is one. */
  last: Call | undefined = undefined;
  /** The connection that it was sent on. */
  epoch = 0;
  readonly #owner: FlightOwner;

  constructor(
    owner: FlightOwner,
    commands: readonly Command[],
    stream: BatchStream,
    { kind, sentAt }: { readonly kind: FlightKind; readonly sentAt: number },
  ) {
    this.#owner = owner;
    this.commands = commands;
    this.stream = stream;
    this.kind = kind;
    this.sentAt = sentAt;
    this.order = reserveOrders(commands.length);
  }

  replied(command: Command, value: unknown): void {
    if (!this.isExpanded) {
      if (++this.answered === this.commands.length) this.#owner.landing(this);
      else if (this.kind === "transaction" && !isPutOff(command.name, value)) this.partial = true;
    }
    command.resolve(value);
  }

  expand(): void {
    if (!this.isExpanded) this.#owner.expand(this);
  }
}
