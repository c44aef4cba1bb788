/** ioredis's private hooks (status changes, queue flushes, the ready check), turned into calls of `Flow` and `Wire`. */
import { checkReady } from "../connection/ready-check.js";
import { base, internalsOf, overrideInternals, type CommandItem, type FlushOptions } from "../connection/internals.js";
import { GARBLED, guardReplies, type Garble } from "../connection/reply-guard.js";
import { reportBug } from "../connection/report-bug.js";
import type { Redis } from "../redis.js";
import { isPassing } from "../connection/wire.js";
import { abandonVersion, unwatchProtocol, watchProtocol } from "./own-commands.js";
import type { RedisOptions } from "./redis-options.js";
import { adopt } from "./setup.js";
import { SERVING, STATE, type State } from "./state.js";

/** Statuses with a live connection. */
const CONNECTED: ReadonlySet<string> = new Set(["connect", "ready", "monitoring"]);

/** `create` makes another client of the same class, for the pool of one that is being constructed. */
export function installHooks(prototype: Redis, create: (options: RedisOptions) => Redis): void {
  guardReplies();
  Object.defineProperty(prototype, GARBLED, {
    value(this: Redis, garble: Garble) {
      this[STATE].wire.garbled(garble);
    },
  });
  overrideInternals(prototype, {
    parseOptions(this: Redis, ...args) {
      base.parseOptions.apply(internalsOf(this), args);
      adopt(this, args, create);
    },

    resetOfflineQueue(this: Redis) {
      const { flow } = this[STATE];
      // ioredis queues what it finds not writable; here that means the flow takes it back.
      internalsOf(this).offlineQueue = {
        length: 0,
        push: (item: CommandItem) => {
          flow.returned(item.command);
          return 0;
        },
        shift: () => undefined,
        peekAt: () => undefined,
        remove: () => undefined,
      };
    },

    setStatus(this: Redis, status, arg) {
      const state = this[STATE];
      const internals = internalsOf(this);
      if (status === "end" && this.status === "end") return;
      if (status === "connect") {
        state.selectError = undefined;
        state.resubscription.connected();
        watchProtocol(this, state);
        state.turn.beginHandshake();
      }
      if (status === "ready") unwatchProtocol(this);
      state.wire.statusChanged(status);
      if (status === "close") abandonVersion(state);
      if (status === "close" && internals.condition?.subscriber && !internals.condition.subscriber.isEmpty()) {
        state.resubscription.lost(state.wire.lastReadAt);
      }
      if (status === "end") {
        state.resubscription.end();
        state.pool?.end();
        state.ended?.();
      }
      if (status === "ready" && state.selectError === undefined) {
        // ioredis subscribes again in this turn, before anything that waits may go.
        state.turn.begin();
        process.nextTick(() => {
          if (!SERVING.has(this.status)) return;
          state.wire.forgetErrors();
          state.resubscription.ready();
          state.flow.outlet.opened();
        });
      }
      base.setStatus.call(internals, status, arg);
    },

    flushQueue(this: Redis, error, options?: FlushOptions) {
      const internals = internalsOf(this);
      // Borrowed for an object that was not made by this class.
      if (!(STATE in this)) {
        base.flushQueue.call(internals, error, options);
        return;
      }
      const { flow, wire, explicit } = this[STATE];
      if (error.name === "MaxRetriesPerRequestError") {
        // ioredis's default of twenty attempts is not a limit that anybody asked for.
        if (!("maxRetriesPerRequest" in explicit)) return;
        flow.eviction.failed(withCause(error, wire.lastError()));
        return;
      }
      if (options?.commandQueue !== false && internals.commandQueue.length > 0) {
        flow.outage.lost(internals.commandQueue.toArray(), error, true);
      }
      if (options?.offlineQueue !== false && this.status !== "end") flow.eviction.failed(error);
      base.flushQueue.call(internals, error, options);
    },

    recoverFromFatalError(this: Redis, commandError, error, options?: FlushOptions) {
      // ioredis 5 reports a handshake command that was lost with its connection as fatal; the next connection is not to blame.
      if (!CONNECTED.has(this.status)) return;
      reconnecting(this[STATE], () => {
        base.recoverFromFatalError.call(internalsOf(this), commandError, error, options);
      });
    },

    handleReconnection(this: Redis, error, item) {
      reconnecting(this[STATE], () => {
        try {
          base.handleReconnection.call(internalsOf(this), error, item);
        } catch (thrown) {
          // `reconnectOnError` threw, and the command is in nobody's queue any more.
          item.command.reject(error);
          reportBug(thrown);
        }
      });
    },

    _readyCheck(this: Redis, callback) {
      const state = this[STATE];
      if (this.status !== "connect") return;
      if (state.selectError !== undefined) {
        state.wire.selectRefused(state.selectError);
        if (!isPassing(state.selectError)) callback(state.selectError);
        return;
      }
      if (state.skipsReadyCheck) {
        callback(null, {});
        state.turn.end();
        return;
      }
      const checked: typeof callback = (error, info) => {
        const { maxclients } = info ?? {};
        if (maxclients !== undefined) state.serverAllows(Number(maxclients));
        // A node of another role than the one that Sentinel was asked for is left again.
        reconnecting(state, () => callback(error, info));
        state.turn.end();
      };
      checkReady(this, checked, {
        info: (callback) => {
          state.turn.within(() => void this.info(callback).catch(ignore));
        },
        loading: () => state.wire.stillLoading(),
      });
    },
  });
}

/** Marks what ioredis reconnects for meanwhile as its own. */
function reconnecting(state: State, act: () => void): void {
  state.isReconnecting = true;
  try {
    act();
  } finally {
    state.isReconnecting = false;
  }
}

function withCause(error: Error, cause: Error | undefined): Error {
  if (cause !== undefined) Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
  return error;
}

function ignore(): void {
  // The callback has it.
}
