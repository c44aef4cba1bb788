/** How a cluster client begins, waits for its table, gives up, ends, and begins again; and what its status says meanwhile. */
import type { Cluster as IOCluster } from "ioredis";
import { clock, type Timer } from "../clock.js";
import type { Client } from "../client/host.js";
import { attachDiagnosis } from "../failure/attach.js";
import { classify } from "../failure/classify.js";
import { stateOf } from "../failure/state.js";
import { clusterInternalsOf, type ClusterInternals } from "../ioredis/cluster-internals.js";
import { internalsOf } from "../ioredis/internals.js";
import { reportBug, tellListeners } from "../ioredis/report-bug.js";
import type { ClusterCore, ClusterLife } from "./core.js";
import { firstAnswer } from "./hedged.js";
import type { ClusterNode } from "./node.js";

/** ioredis's own words. */
const NOBODY_THERE = "None of startup nodes is available";
const REFRESH_FAILED = "Failed to refresh slots cache.";
/** How long a node that says nothing is waited for at the end, in milliseconds. */
const SILENT_DRAIN = 100;
const SILENT = 250;

interface Attempt {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Life implements ClusterLife {
  readonly #cluster: IOCluster;
  readonly #internals: ClusterInternals;
  readonly #core: () => ClusterCore;
  #attempt: Attempt | undefined = undefined;
  #retryTimer: Timer | undefined = undefined;
  #retryAt = 0;
  #retries = 0;
  #isChecking = false;
  /** The client was told to end. */
  isEndedByOwner = false;

  constructor(cluster: IOCluster, core: () => ClusterCore) {
    this.#cluster = cluster;
    this.#internals = clusterInternalsOf(cluster);
    this.#core = core;
  }

  // ---- as its owner sees it

  connect(): Promise<void> {
    const { status } = this.#internals;
    if (status === "connecting" || status === "connect" || status === "ready") {
      return Promise.reject(new Error("Redis is already connecting/connected"));
    }
    const core = this.#core();
    clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.isEndedByOwner = false;
    this.#internals.setStatus("connecting");
    core.begin();
    return new Promise((resolve, reject) => {
      this.#attempt = { resolve, reject };
      void core.membership.topology.first(core.member);
    });
  }

  /** Ends at once. */
  disconnect(): void {
    const { status } = this.#internals;
    this.isEndedByOwner = true;
    if (status === "end" || status === "disconnecting") return;
    this.#internals.setStatus("disconnecting");
    this.#finish(this.#core().end(), (node) => {
      node.client.disconnect();
      internalsOf(node.client).stream?.destroy();
    });
  }

  /** Ends in good order, `drain` milliseconds at most for what is under way. */
  async close(drain: number): Promise<void> {
    const { status } = this.#internals;
    const core = this.#core();
    if (status === "end" || status === "disconnecting") return;
    this.isEndedByOwner = true;
    const startedAt = clock.now();
    const left = (): number => Math.max(0, drain - (clock.now() - startedAt));
    if (core.isRoutable) await core.lobby.drain(left());
    const nodes = core.layout.all;
    await Promise.all(nodes.map((node) => endOf(node, node.silence > SILENT ? SILENT_DRAIN : left())));
    this.disconnect();
  }

  // ---- as the topology sees it

  takesTable(): boolean {
    const { status } = this.#internals;
    return status === "connecting" || status === "connect" || status === "ready";
  }

  applied(): void {
    tellListeners(() => this.#cluster.emit("refresh"));
    const { status } = this.#internals;
    if (status === "connecting" && !this.#isChecking) void this.#arrive();
  }

  failed(error: Error, wasLookup: boolean): void {
    const core = this.#core();
    core.lobbyTransport.noteError(error);
    const { status } = this.#internals;
    if (status === "connecting" || status === "connect") this.#giveUp(error, wasLookup);
  }

  wanted(): void {
    if (this.#internals.status !== "wait") return;
    // Whoever wants it waits first: the table may be known already, and then everything that waits goes at once.
    queueMicrotask(() => {
      if (this.#internals.status === "wait") this.connect().catch(ignore);
    });
  }

  end(): void {
    this.disconnect();
  }

  retryAt(): number {
    return this.#retryAt;
  }

  // ---- on the way

  /** There is a table. */
  async #arrive(): Promise<void> {
    this.#internals.setStatus("connect");
    const { enableReadyCheck } = this.#internals.options;
    this.#isChecking = true;
    const state = enableReadyCheck === false ? undefined : await this.#stateTold();
    this.#isChecking = false;
    if (this.#internals.status !== "connect") return;
    if (state instanceof Error) this.#giveUp(state);
    else this.#ready();
  }

  #ready(): void {
    this.#retries = 0;
    this.#internals.setStatus("ready");
    this.#internals.invokeReadyDelayedCallbacks(undefined);
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#core().serve();
    attempt?.resolve();
  }

  /** What a node says of the state of the cluster: an error when it does not serve, or nobody says anything. */
  async #stateTold(): Promise<Error | undefined> {
    const { layout, options } = this.#core();
    const timeout = options.slotsRefreshTimeout ?? 1_000;
    const asked = await firstAnswer(
      layout.masters.map(
        ({ client }) =>
          () =>
            client.with({ deadline: timeout }).cluster("INFO"),
      ),
      timeout,
    );
    if ("failure" in asked) return asked.failure ?? new Error(NOBODY_THERE);
    const isDown = /^cluster_state:fail/m.test(asked.answer);
    return isDown ? new Error("CLUSTERDOWN The cluster is down") : undefined;
  }

  /** The attempt has failed; `clusterRetryStrategy` says whether there is another. */
  #giveUp(cause: Error, wasLookup = false): void {
    const core = this.#core();
    core.lobbyTransport.noteError(cause);
    core.lobby.events.connectionFailed(cause);
    // As ioredis does: what went wrong with a name is told as it is.
    const error = wasLookup ? cause : this.#told(cause);
    if (this.#cluster.listenerCount("error") > 0) tellListeners(() => this.#cluster.emit("error", error));
    this.#internals.setStatus("close");
    const attempt = this.#attempt;
    this.#attempt = undefined;
    const delay = this.#delay(error);
    attempt?.reject(this.#withDiagnosis(new Error(NOBODY_THERE, { cause })));
    if (typeof delay !== "number") {
      this.#finish(core.end(), (node) => node.client.disconnect(), true);
      return;
    }
    this.#internals.setStatus("reconnecting");
    this.#retryAt = clock.now() + delay;
    this.#retryTimer = clock.setTimeout(() => {
      this.#retryTimer = undefined;
      this.connect().catch(ignore);
    }, delay);
  }

  /** What `clusterRetryStrategy` says; where it throws, what ioredis's own would. */
  #delay(error: Error): unknown {
    const { clusterRetryStrategy } = this.#internals.options;
    const retries = ++this.#retries;
    if (typeof clusterRetryStrategy !== "function") return undefined;
    try {
      return clusterRetryStrategy.call(this.#cluster as never, retries, error);
    } catch (thrown) {
      reportBug(thrown);
      return Math.min(100 + retries * 2, 2_000);
    }
  }

  /** What ioredis tells of the same: its cause is the last node's. */
  #told(cause: Error): Error {
    const error = Object.assign(new Error(REFRESH_FAILED), { lastNodeError: cause });
    error.name = "ClusterAllFailedError";
    return this.#withDiagnosis(error);
  }

  #withDiagnosis(error: Error): Error {
    const { label, lobbyTransport } = this.#core();
    const context = { ...lobbyTransport.context(), written: false };
    return attachDiagnosis(
      error,
      () => classify(error, context),
      () => stateOf(label, context),
    );
  }

  #finish(nodes: readonly ClusterNode[], end: (node: ClusterNode) => void, isClosed = false): void {
    clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    for (const node of nodes) end(node);
    this.#attempt?.reject(new Error(NOBODY_THERE));
    this.#attempt = undefined;
    this.#internals.invokeReadyDelayedCallbacks(new Error(NOBODY_THERE));
    if (!isClosed) this.#internals.setStatus("close");
    this.#internals.setStatus("end");
  }
}

/** Ends a node in good order; one that nobody has used is just let go. */
async function endOf({ client, isIdle }: ClusterNode, drain: number): Promise<void> {
  if (isIdle) client.disconnect();
  else await (client as Client & { close(options: { drain: number }): Promise<void> }).close({ drain });
}

function ignore(): void {
  // The outcome is told by events and by the commands that wait.
}
