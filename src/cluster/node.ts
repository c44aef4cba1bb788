/** One node of a cluster as one client knows it: a client of this package, and what drives it. */
import type { Command } from "ioredis";
import { callOf, type Call } from "../engine/call.js";
import type { Engine } from "../engine/engine.js";
import type { Dispatcher } from "../engine/ports.js";
import type { Client } from "../client/host.js";
import { STATE } from "../client/state.js";
import { ADAPTER } from "../ioredis/adapter.js";
import { internalsOf } from "../ioredis/internals.js";
import type { IORedisTransport } from "../ioredis/transport.js";
import { silentConnection } from "../engine/connection-errors.js";
import { clock } from "../clock.js";

/** Connections that carry what the node's other callers share: commands of one key go in order there. */
const SHARED: ReadonlySet<string> = new Set(["own", "lane"]);

export class ClusterNode {
  readonly key: string;
  readonly client: Client;
  /** Where its commands go. */
  readonly dispatcher: Dispatcher;
  #isCorked = false;
  /** It was silent, and what it says is not believed yet. */
  isDoubted = false;

  constructor(key: string, client: Client) {
    this.key = key;
    this.client = client;
    this.dispatcher = client[STATE].dispatcher;
  }

  get host(): string {
    return this.client.options.host ?? "localhost";
  }

  get port(): number {
    return this.client.options.port ?? 6379;
  }

  get isReplica(): boolean {
    return this.client.options.readOnly === true;
  }

  get engine(): Engine {
    return this.client[STATE].engine;
  }

  get transport(): IORedisTransport {
    return this.client[ADAPTER].transport;
  }

  /** Nobody has asked it for anything yet. */
  get isIdle(): boolean {
    return this.client.status === "wait";
  }

  /** Connected, and it answers. */
  get isWell(): boolean {
    const { engine } = this;
    return engine.isReady && !engine.isPausedBy("silence") && !engine.isPausedBy("unsure");
  }

  /** It may answer in a moment: nothing has failed yet on the way to its connection. */
  get isComing(): boolean {
    const { status } = this.client;
    return status === "connecting" || status === "connect" || (status === "ready" && !this.isWell);
  }

  /** Milliseconds for which it has owed a reply. */
  get silence(): number {
    return this.engine.isReady ? this.transport.overdueFor(clock.now()) : 0;
  }

  /** Connects in the background, if nobody has yet. */
  wake(): void {
    if (this.isIdle) this.client.connect().catch(ignore);
  }

  /** Whether it serves replicas' reads only from here on. */
  setReplica(isReplica: boolean): void {
    const { client } = this;
    if (this.isReplica === isReplica) return;
    client.options.readOnly = isReplica;
    if (client.status !== "ready") return;
    void this.transport.ask(isReplica ? "readonly" : "readwrite", []).catch(ignore);
  }

  /**
   * Calls `run` once everything that was issued to it so far is answered or lost, and what was lost is decided. `false`: nothing
   * is under way, and `run` is not called.
   */
  whenAnswered(run: () => void): boolean {
    const open: { readonly engine: Engine; readonly call: Call | undefined }[] = [];
    for (const { role, engine, transport } of this.client[STATE].parts.all()) {
      if (!SHARED.has(role)) continue;
      const newest = transport.newestUnanswered(isInOrder);
      const call = newest && callOf(newest);
      // Without a connection there may be losses that are not decided yet.
      if (call !== undefined || !(engine.isReady || engine.isIdle)) open.push({ engine, call });
    }
    if (open.length === 0) return false;
    let left = open.length;
    const over = (): void => {
      if (--left === 0) run();
    };
    for (const { engine, call } of open) {
      // After the replies that came with this one, and after the fate of what a connection took along.
      if (call === undefined) engine.afterLosses(over);
      else call.whenAnswered(() => queueMicrotask(() => engine.afterLosses(over)));
    }
    return true;
  }

  /** What waits for it on its shared connections, oldest first. */
  waiting(): readonly { readonly engine: Engine; readonly call: Call }[] {
    return this.client[STATE].parts
      .all()
      .filter(({ role }) => SHARED.has(role))
      .flatMap(({ engine }) => engine.waitingCalls().map((call) => ({ engine, call })));
  }

  /** What is written in this turn from here on leaves as one. */
  cork(): void {
    const { stream } = internalsOf(this.client);
    if (this.#isCorked || stream === undefined) return;
    this.#isCorked = true;
    stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }

  /** It serves nothing any more, or must not: what it has been sent is lost now, and not later. */
  fence(): void {
    const { engine, transport, silence } = this;
    if (engine.isReady) transport.destroy(silentConnection(engine.endpoint.label, silence), clock.now() - silence);
  }

  /**
   * What it says next on each of its connections is believed once `serves` has resolved to `true` after that. If it does not serve any
   * more, what it confirms is lost: the one that has taken its place has never heard of it. A connection that goes on saying nothing
   * keeps back none of the others: it may be the only one that is in trouble.
   */
  async doubt(serves: () => Promise<boolean>): Promise<void> {
    if (this.isDoubted) return;
    this.isDoubted = true;
    let asking: Promise<boolean> | undefined;
    // Those that speak meanwhile share an answer.
    const ask = (): Promise<boolean> => (asking ??= serves().finally(() => (asking = undefined)));
    const judge = async (transport: IORedisTransport): Promise<void> => {
      await transport.holdReplies();
      if (!transport.isHeld) return;
      const isServing = await ask();
      if (isServing || !transport.holdsReplies) transport.letReplies();
      else transport.destroy(silentConnection(this.engine.endpoint.label, this.silence));
    };
    const others = this.client[STATE].parts.all().filter(({ transport }) => transport !== this.transport);
    for (const { transport } of others) void judge(transport);
    try {
      await judge(this.transport);
    } finally {
      this.isDoubted = false;
    }
  }
}

/** Nothing waits for the end of a block. */
function isInOrder(command: Command): boolean {
  const call = callOf(command);
  return call !== undefined && call.facts.dispatch !== "blocking";
}

function ignore(): void {
  // The node tells of its own failures.
}
