/** ioredis's private hooks (status changes, queue flushes, the ready check), turned into calls of the transport and the engine. */
import { bindWhen, callOf } from "../engine/call.js";
import { ADAPTER, SERVING, type Adapted, type Adapter } from "./adapter.js";
import { takeOverAutoPipelining } from "./auto-pipelining.js";
import { tellUnsent } from "./heard-send.js";
import {
  base,
  internalsOf,
  overrideInternals,
  type CommandItem,
  type FlushOptions,
  type RedisInternals,
} from "./internals.js";
import { isInstrumented } from "./instrumentation.js";
import { abandonVersion, unwatchProtocol, watchProtocol } from "./own-commands.js";
import { readLeniently } from "../policy/input/lenient.js";
import type { PolicyWarning } from "../policy/warning.js";
import { askRole, checkReady } from "./ready-check.js";
import { GARBLED, guardReplies, type Garble } from "./reply-guard.js";
import { reportBug } from "./report-bug.js";
import { ReplyQueue } from "./reply-queue.js";
import { isLoginRefusal } from "./login.js";
import { ShownQueue } from "./shown-queue.js";
import { isTracing } from "./trace-command.js";
import { isPassing } from "./transport.js";

/** Statuses with a live connection. */
const CONNECTED: ReadonlySet<string> = new Set(["connect", "ready", "monitoring"]);

/** `adopt` sets up what hangs on a client, in the middle of ioredis's constructor, which was given arguments that mean these; nothing does where `isOff`. */
export function installHooks<T extends Adapted>(
  prototype: T,
  adopt: (client: T, args: readonly unknown[], warnings: readonly PolicyWarning[]) => void,
  isOff: (args: readonly unknown[]) => boolean,
): void {
  bindWhen(isInstrumented, tellUnsent, isTracing);
  guardReplies();
  takeOverAutoPipelining();
  Object.defineProperty(prototype, GARBLED, {
    // A plain client keeps ioredis's own ways.
    get(this: T) {
      return ADAPTER in this ? reportGarble : undefined;
    },
  });
  overrideInternals(prototype, {
    parseOptions(this: T, ...args) {
      if (isOff(args)) {
        base.parseOptions.apply(internalsOf(this), args);
        return;
      }
      const { value, warnings } = readLeniently(args);
      base.parseOptions.apply(internalsOf(this), [...value]);
      adopt(this, value, warnings);
    },

    resetOfflineQueue(this: T) {
      const { transport } = this[ADAPTER];
      internalsOf(this).offlineQueue = new ShownQueue({
        status: () => this.status,
        waiting: () => transport.waiting,
        returned: (item) => transport.returned(item),
      });
    },

    resetCommandQueue(this: T) {
      internalsOf(this).commandQueue = new ReplyQueue();
    },

    setStatus(this: T, status, arg) {
      const adapter = this[ADAPTER];
      const internals = internalsOf(this);
      if (status === "end" && this.status === "end") return;
      if (status === "connect") {
        adapter.selectError = undefined;
        adapter.resubscription.connected();
        watchProtocol(this);
        adapter.turn.beginHandshake();
      }
      if (status === "ready") unwatchProtocol(this);
      adapter.transport.statusChanged(status);
      if (status === "close") abandonVersion(adapter);
      if (status === "close" && internals.condition?.subscriber && !internals.condition.subscriber.isEmpty()) {
        adapter.resubscription.lost(adapter.transport.currentUntil);
      }
      if (status === "end") {
        adapter.resubscription.end();
        adapter.onEnd();
      }
      if (status === "ready" && adapter.selectError === undefined) {
        // ioredis subscribes again in this turn, before anything that waits may go.
        adapter.turn.begin();
        process.nextTick(() => {
          if (!SERVING.has(this.status)) return;
          adapter.transport.forgetErrors();
          adapter.resubscription.ready();
          adapter.events.ready();
        });
      }
      base.setStatus.call(internals, status, arg);
    },

    flushQueue(this: T, error, options?: FlushOptions) {
      const internals = internalsOf(this);
      // Borrowed for an object that was not made by this class.
      if (!(ADAPTER in this)) {
        base.flushQueue.call(internals, error, options);
        return;
      }
      const { events, transport, explicit } = this[ADAPTER];
      if (error.name === "MaxRetriesPerRequestError") {
        // ioredis's default of twenty attempts is not a limit that anybody asked for.
        if (!("maxRetriesPerRequest" in explicit)) return;
        events.refused(withCause(error, transport.lastError()));
        return;
      }
      if (options?.commandQueue !== false && internals.commandQueue.length > 0) {
        // They are decided by the engine, and not all in this turn: ioredis would answer the rest with its own error.
        const items = internals.commandQueue.toArray();
        internals.commandQueue.clear();
        internals.stream?.removeAllListeners("data");
        for (const item of items) if (callOf(item.command) === undefined) internals.commandQueue.push(item);
        events.lost(items, error, true);
      }
      if (options?.offlineQueue !== false && this.status !== "end") events.refused(error);
      base.flushQueue.call(internals, error, options);
    },

    recoverFromFatalError(this: T, commandError, error, options?: FlushOptions) {
      // ioredis 5 reports a handshake command that was lost with its connection as fatal; the next connection is not to blame.
      if (!CONNECTED.has(this.status)) return;
      if (isLoginRefusal(error) && this[ADAPTER].transport.loginRefused()) return;
      reconnecting(this[ADAPTER], () => {
        base.recoverFromFatalError.call(internalsOf(this), commandError, error, options);
      });
    },

    handleReconnection(this: T, error, item) {
      // The server has ended a login that it had taken.
      if (error.message.startsWith("NOAUTH")) this[ADAPTER].transport.logInAgain(ignore);
      const internals = internalsOf(this);
      const call = callOf(item.command);
      if (call !== undefined) call.database = item.select;
      reconnecting(this[ADAPTER], () => {
        try {
          base.handleReconnection.call(internals, error, call === undefined ? item : inItsDatabase(internals, item));
        } catch (thrown) {
          // `reconnectOnError` threw, and the command is in nobody's queue any more.
          item.command.reject(error);
          reportBug(thrown);
        }
      });
    },

    _readyCheck(this: T, callback) {
      const adapter = this[ADAPTER];
      if (this.status !== "connect") return;
      if (adapter.selectError !== undefined) {
        adapter.transport.selectRefused(adapter.selectError);
        if (!isPassing(adapter.selectError)) callback(adapter.selectError);
        return;
      }
      const finish: typeof callback = (error, info) => {
        // A node of another role than the one that Sentinel was asked for is left again.
        reconnecting(adapter, () => callback(error, info));
        adapter.turn.end();
      };
      const checked: typeof callback = (error, info = {}) => {
        const { maxclients, role } = info;
        if (maxclients !== undefined) adapter.serverAllows(Number(maxclients));
        if (error !== null || role !== undefined || !adapter.transport.searches) finish(error, info);
        else
          askRole(
            this,
            (ask) => adapter.turn.within(ask),
            (said) => finish(null, { ...info, ...said }),
          );
      };
      if (adapter.skipsReadyCheck) {
        checked(null, {});
        return;
      }
      checkReady(this, checked, {
        info: (callback) => {
          adapter.turn.within(() => void this.info(callback).catch(ignore));
        },
        identified: (server) => adapter.events.identified(server),
        loading: () => adapter.transport.stillLoading(),
      });
    },
  });
}

function reportGarble(this: Adapted, garble: Garble): void {
  this[ADAPTER].transport.garbled(garble);
}

/** Marks what ioredis reconnects for meanwhile as its own. */
function reconnecting(adapter: Adapter, act: () => void): void {
  adapter.isReconnecting = true;
  try {
    act();
  } finally {
    adapter.isReconnecting = false;
  }
}

/**
 * The same for ioredis, which would select the database of a command that goes again: behind the command, which keeps its
 * place, and for everything that comes later.
 */
function inItsDatabase(internals: RedisInternals, { command }: CommandItem): CommandItem {
  return {
    command,
    get select() {
      return internals.condition?.select ?? 0;
    },
  };
}

function withCause(error: Error, cause: Error | undefined): Error {
  if (cause !== undefined) Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
  return error;
}

function ignore(): void {
  // The callback has it.
}
