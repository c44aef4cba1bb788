/** Sends batches as one where nothing stands in the way, keeps count of them, and takes them apart where something does. */
import type { Command } from "ioredis";
import { clock } from "../clock.js";
import { factsOf } from "../command/facts.js";
import type { EndpointMembership } from "../endpoint/registry.js";
import { Call, carryWith, type CallOwner } from "./call.js";
import type { ConnectionState } from "./connection-state.js";
import type { DeadlineList, Deadlines } from "./deadlines.js";
import { Flight, kindOf, type FlightOwner } from "./flight.js";
import type { InFlight } from "./in-flight.js";
import type { IssuedTransactions } from "./issued-transactions.js";
import type { LatencyHistogram } from "./latency.js";
import type { BatchStream, Transport } from "./ports.js";
import type { SessionState } from "./session-state.js";
import type { Settlement } from "./settlement.js";
import type { SilenceHold } from "./silence-hold.js";
import { startBatch } from "./stream-batch.js";

export interface FlightsParts {
  readonly owner: CallOwner;
  readonly connection: ConnectionState;
  readonly session: SessionState;
  readonly issued: IssuedTransactions;
  readonly membership: EndpointMembership;
  readonly transport: Transport;
  readonly deadlines: Deadlines;
  /** The deadline list of ordinary commands. */
  readonly usual: DeadlineList | undefined;
  readonly inFlight: InFlight;
  readonly silence: SilenceHold;
  readonly settlement: Settlement;
  readonly latency: LatencyHistogram;
}

export class Flights implements FlightOwner {
  readonly #parts: FlightsParts;

  constructor(parts: FlightsParts) {
    this.#parts = parts;
  }

  /** Sends a batch as one if it can go at once and counts on nothing but itself; returns whether it did. */
  send(commands: readonly Command[], stream: BatchStream): boolean {
    const { owner, connection, session, issued, membership, transport } = this.#parts;
    if (!connection.isOpen || membership.endpoint.refusing !== 0) return false;
    if (session.isLost || session.isHolding || issued.isOpen) return false;
    const kind = kindOf(commands);
    if (kind === undefined) return false;
    const now = clock.now();
    const flight = new Flight(this, commands, stream, { kind, sentAt: now });
    const bytes = transport.writeBatch(commands, stream, flight);
    if (bytes === 0) return false;
    const { inFlight, deadlines, usual, silence } = this.#parts;
    const [first] = commands;
    const last = commands.at(-1);
    if (first === undefined || last === undefined) return false;
    if (kind === "transaction") {
      session.sent(first, stream);
      session.sent(last, stream);
    }
    for (const command of commands) carryWith(flight, command);
    const order = (flight.order + commands.length - 1) | 0;
    const call = new Call(owner, last, factsOf(last.name), stream, undefined, now, order);
    call.send(now);
    flight.last = call;
    call.carrier = flight;
    flight.epoch = inFlight.epoch;
    if (usual !== undefined) deadlines.arm(call, usual, now);
    if (inFlight.writtenTogether(call, commands.length, bytes)) connection.pause("full");
    if (!silence.isWatching) silence.watch(call, now);
    return true;
  }

  /** The calls, and with the last one of a flight all others of it that have no answer. */
  expanded(calls: Call[]): Call[] {
    if (!calls.some(({ carrier }) => carrier?.isExpanded === false)) return calls;
    return calls.flatMap((call) => {
      const { carrier } = call;
      if (carrier === undefined || carrier.isExpanded) return [call];
      carrier.expand();
      return call.batch?.calls.filter(({ state }) => state !== "settled") ?? [call];
    });
  }

  landing(flight: Flight): void {
    this.#count(flight, flight.commands.length - 1);
  }

  expand(flight: Flight): void {
    flight.isExpanded = true;
    const { commands, stream, answered, sentAt, last } = flight;
    if (last === undefined) return;
    const { owner, deadlines, inFlight } = this.#parts;
    const isOver = answered === commands.length;
    const isConnected = !isOver && flight.epoch === inFlight.epoch;
    if (!isOver) this.#count(flight, answered);
    const batch = startBatch(stream, { kind: "send" });
    const each = Math.floor(last.bytes / (commands.length - answered));
    for (const [place, command] of commands.entries()) {
      if (command === last.command) {
        batch.add(last);
        break;
      }
      const order = (flight.order + place) | 0;
      const call = new Call(owner, command, factsOf(command.name), stream, undefined, sentAt, order);
      batch.add(call);
      if (place < answered) call.passed(sentAt);
      else {
        call.send(sentAt);
        deadlines.armBeside(call, last);
        if (!isConnected) continue;
        call.bytes = each;
        last.bytes -= each;
      }
    }
    batch.answeredBefore(answered, flight.kind === "transaction" ? flight.partial || isOver : answered > 0);
  }

  /** The first members of a flight have their replies, and no calls that were counted. */
  #count({ commands, sentAt, epoch }: Flight, answered: number): void {
    const { settlement, membership, inFlight, latency } = this.#parts;
    const { counters, outcomes } = settlement;
    let writes = 0;
    for (let place = 0; place < answered; place++) {
      const facts = factsOf((commands[place] as Command).name);
      outcomes.answered[facts.family] = (outcomes.answered[facts.family] ?? 0) + 1;
      if (facts.writes) writes++;
    }
    counters.answered += answered;
    latency.noteAll(sentAt, answered);
    membership.endpoint.succeededAll(answered, writes);
    inFlight.count -= answered;
    if (epoch === inFlight.epoch) inFlight.unanswered -= answered;
  }
}
