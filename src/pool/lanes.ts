/**
 * Several shared connections for ordinary commands (`pool.size` above 1). Commands of one key share a lane and so keep
 * their order; a command that concerns several lanes runs while nothing else does. The first lane is the client's own
 * connection, the others are made when they are first used.
 */
import type { Command } from "ioredis";
import { callOf, type CallOptions } from "../command/call.js";
import type { BatchStream } from "../connection/internals.js";
import { IoredoubtError } from "../failure/errors.js";
import type { Flow } from "../flow/flow.js";
import type { Redis } from "../redis.js";
import type { Host } from "./host.js";
import { placeOf, placeOfBatch } from "./lane-plan.js";
import { settled, whenSettled } from "./order.js";

interface Lane {
  readonly client: Redis;
  readonly flow: Flow;
}

/** A command, or the members of a batch, on the way to a lane. */
interface Item {
  readonly commands: Command[];
  readonly stream: BatchStream | undefined;
  readonly options: CallOptions | undefined;
  readonly since: number;
}

export interface LaneStats {
  readonly status: string;
  readonly inFlight: number;
  readonly waiting: number;
}

export class Lanes {
  readonly #host: Host;
  readonly #lanes: (Lane | undefined)[];
  /** What waits behind a command that must be alone, or behind a batch that is still being handed over. */
  #queue: Item[] | undefined = undefined;
  #isAlone = false;

  constructor(host: Host, client: Redis) {
    this.#host = host;
    this.#lanes = Array.from({ length: host.policy.pool.size }, () => undefined);
    this.#lanes[0] = { client, flow: host.flow };
  }

  send(command: Command, stream: BatchStream | undefined, options: CallOptions | undefined): void {
    // A resend of ioredis's own account stays where it was.
    const known = callOf(command);
    if (known !== undefined) {
      const lane = this.#open().find(({ flow }) => flow === known.owner);
      lane?.flow.dispatch(command, stream, options);
      return;
    }
    const last = this.#queue?.at(-1);
    if (stream !== undefined && last?.stream === stream) {
      last.commands.push(command);
      return;
    }
    const item: Item = { commands: [command], stream, options, since: performance.now() };
    if (this.#queue !== undefined) this.#queue.push(item);
    else if (stream === undefined) this.#start(item);
    else {
      // Its members come one by one within this turn; only then is it known where they belong.
      this.#queue = [item];
      queueMicrotask(() => this.#flush());
    }
  }

  stats(): LaneStats[] {
    return this.#open().map(({ client, flow }) => ({
      status: client.status,
      inFlight: flow.inFlight,
      waiting: flow.gate.size,
    }));
  }

  /** Resolves when everything issued so far has settled. */
  async whenSettled(): Promise<void> {
    await Promise.all(this.#open().map(({ client, flow }) => whenSettled(client, flow)));
  }

  async drain(limit: number): Promise<void> {
    await Promise.all(this.#others().map(({ flow }) => flow.drain(limit)));
  }

  end(): void {
    for (const { client } of this.#others()) client.disconnect();
    this.#lanes.fill(undefined, 1);
  }

  // ---- order

  #flush(): void {
    while (!this.#isAlone) {
      const item = this.#queue?.shift();
      if (item === undefined) {
        this.#queue = undefined;
        return;
      }
      this.#start(item);
    }
  }

  #start(item: Item): void {
    const { commands, stream } = item;
    const size = this.#lanes.length;
    const [first] = commands;
    if (first === undefined) return;
    const place = stream === undefined ? placeOf(first, size) : placeOfBatch(commands, size);
    if ("refused" in place) {
      for (const command of commands) command.reject(refusal(command, place.refused));
    } else if (!place.alone) this.#dispatch(item, place.lane);
    else void this.#runAlone(item, place.lane);
  }

  async #runAlone(item: Item, lane: number): Promise<void> {
    this.#isAlone = true;
    this.#queue ??= [];
    await this.whenSettled();
    this.#dispatch(item, lane);
    for (const command of item.commands) await settled(callOf(command));
    this.#isAlone = false;
    this.#flush();
  }

  #dispatch({ commands, stream, options, since }: Item, index: number): void {
    const { client, flow } = this.#lane(index);
    // ioredis's stream writes to the connection that its destination names.
    if (stream !== undefined) (stream as { destination: { redis: Redis } }).destination = { redis: client };
    const limits = this.#lessWaiting(options, performance.now() - since);
    for (const command of commands) flow.dispatch(command, stream, limits);
  }

  /** A deadline is total: what was waited here is taken off. */
  #lessWaiting(options: CallOptions | undefined, waited: number): CallOptions | undefined {
    const deadline = options?.deadline ?? this.#host.policy.deadline;
    if (waited < NOTHING || deadline === false) return options;
    return { ...options, deadline: Math.max(1, deadline - waited) };
  }

  #lane(index: number): Lane {
    const found = this.#lanes[index];
    if (found !== undefined) return found;
    const client = this.#host.create("lane");
    return (this.#lanes[index] = { client, flow: this.#host.flowOf(client) });
  }

  #open(): Lane[] {
    return this.#lanes.filter((lane) => lane !== undefined);
  }

  #others(): Lane[] {
    return this.#lanes.slice(1).filter((lane) => lane !== undefined);
  }
}

/** Waiting that is not worth a deadline of one's own, in milliseconds. */
const NOTHING = 5;

function refusal(command: Command, message: string): IoredoubtError {
  return new IoredoubtError("CONFIG_INVALID", message, { command: command.name });
}
