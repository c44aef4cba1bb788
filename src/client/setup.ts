/** Gives a client its policy, flow, wire and pool, in the middle of ioredis's constructor. */
import type { Command, RedisOptions as IORedisOptions } from "ioredis";
import { ScriptEffects } from "../command/scripts.js";
import { endpointInfo, labelOf } from "../connection/endpoint-info.js";
import { explicitOptions, readTexts, type Options } from "../connection/explicit-options.js";
import { internalsOf, type BatchStream } from "../connection/internals.js";
import { Resubscription } from "../connection/resubscription.js";
import { Wire } from "../connection/wire.js";
import type { Examine } from "../flow/endpoint.js";
import { Flow } from "../flow/flow.js";
import type { BlockingLimit } from "../flow/transport.js";
import { defaultLogger } from "../observe/default-logger.js";
import { guardedLogger } from "../observe/guarded-logger.js";
import { SILENT } from "../observe/logger.js";
import type { Policy } from "../policy/shape.js";
import { lintAgainstServer, lintPolicy, type PolicyWarning } from "../policy/lint.js";
import { resolveSources } from "../policy/resolve.js";
import { countClient } from "./client-count.js";
import { Pool } from "../pool/pool.js";
import type { Redis } from "../redis.js";
import { takeGiven, type Given } from "./given.js";
import { letGoWhenIdle } from "./let-go.js";
import { sendUnready } from "./own-commands.js";
import { OwnTurn } from "./own-turn.js";
import { hostOf } from "./pooled-client.js";
import type { RedisOptions } from "./redis-options.js";
import { sealOptions } from "./sealed-options.js";
import { SERVING, STATE, type State } from "./state.js";
import { askAfterThaw } from "./thaw.js";
import { tellWarnings } from "./warnings.js";

/** ioredis 6's default, given to ioredis 5 too: an idle half-open socket is noticed by the kernel. */
const KEEP_ALIVE = 30_000;

/** Sets up everything that hangs on the client, before ioredis's constructor goes on. */
export function adopt(client: Redis, args: readonly unknown[], create: (options: RedisOptions) => Redis): void {
  const explicit = explicitOptions(args);
  readTexts(client.options as Record<string, unknown>);
  const { resilience } = client.options;
  const given = takeGiven();
  const environment = given?.environment;
  const { policy, warnings } =
    given?.policy === undefined
      ? workedOut(resilience, explicit, environment)
      : { policy: given.policy, warnings: given.warnings ?? [] };
  const info = endpointInfo(client.options);
  const label = labelOf(info, resilience?.name);
  const wire = new Wire(client, policy, info, explicit["retryStrategy"] as never);
  const scripts = given?.scripts ?? new ScriptEffects();
  const logger = resilience?.logger === false ? SILENT : guardedLogger(resilience?.logger ?? defaultLogger());
  const flow = new Flow({
    policy,
    transport: wire,
    label,
    logger,
    fallback: resilience?.fallback,
    examine: examiner(client.options, policy),
    blockingLimit: blockingLimit(client.options),
    scriptEffect: (command) => scripts.of(command),
  });
  wire.flow = flow;
  const turn = new OwnTurn();
  wire.onGreeted = () => turn.end();
  const brought = broughtBy(policy, explicit);
  Object.assign(client.options, brought);
  // Both belong to the flow now; ioredis would arm a timer a command, and resolve what was not answered.
  delete client.options.commandTimeout;
  delete client.options.blockingTimeout;
  client.options.retryStrategy = wire.reconnect.strategy as NonNullable<IORedisOptions["retryStrategy"]>;
  const skipsReadyCheck = client.options.enableReadyCheck === false;
  client.options.enableReadyCheck = true;
  sealOptions(client.options);
  tellWarnings(label, logger, warnings);
  const isPooled = given?.scripts !== undefined;
  const state: State = {
    flow,
    wire,
    policy,
    explicit,
    brought,
    environment,
    scripts,
    skipsReadyCheck,
    turn,
    versionTold: undefined,
    isReconnecting: false,
    selectError: undefined,
    serverAllows: (maxClients) => {
      if (!isPooled) tellWarnings(label, logger, lintAgainstServer(policy, maxClients));
    },
    closing: undefined,
    pool: undefined,
    ended: undefined,
    resubscription: new Resubscription({
      backoff: { ...policy.reconnect, factor: 2 },
      write: (command) => wire.write(command, undefined),
      isServing: () => SERVING.has(client.status),
      restored: (event) => void client.emit("resubscribed", event),
      refused: (error) => void client.silentEmit("error", error),
    }),
  };
  if (policy.connection?.unref === true) {
    letGoWhenIdle(wire, internalsOf(client));
    if (policy.heartbeat !== false) askAfterThaw(flow, wire, internalsOf(client), policy.heartbeat);
  }
  if (!isPooled) {
    state.ended = countClient(label, logger);
    state.pool = new Pool(hostOf(client, state, logger, create), client);
    const { lanes } = state.pool;
    if (lanes !== undefined) {
      // On the instance, so that the usual single connection pays nothing for it.
      const sendCommand = (command: Command, stream?: BatchStream): unknown => {
        if (flow.isOpen) lanes.send(command, stream, undefined);
        else sendUnready(client, state, command, stream);
        return command.promise;
      };
      Object.defineProperty(client, "sendCommand", { value: sendCommand, configurable: true, writable: true });
    }
  }
  Object.defineProperty(client, STATE, { value: state });
}

function workedOut(
  resilience: RedisOptions["resilience"],
  explicit: Options,
  environment: Given["environment"],
): { readonly policy: Policy; readonly warnings: readonly PolicyWarning[] } {
  const resolved = resolveSources({ resilience, redis: explicit, ...environment });
  return { policy: resolved.policy, warnings: lintPolicy(resolved, explicit) };
}

/** The doctor's look from outside. It is loaded when an incident opens. */
function examiner(options: RedisOptions, policy: Policy): Examine | undefined {
  const { host, port, path, family, tls, sentinels, resilience } = options;
  const wanted = resilience?.doctor ?? policy.profile !== "test";
  if (!wanted || sentinels) return undefined;
  const address = path ? { path } : { host: host ?? "localhost", port: port ?? 6379, family };
  const target = { ...address, ...(tls ? { tls } : {}) };
  return async (served) => {
    const [{ passiveVerdict }, { inBackground }] = await Promise.all([
      import("../doctor/passive.js"),
      import("../doctor/background.js"),
    ]);
    return inBackground(() => passiveVerdict(target, { served }));
  };
}

function blockingLimit(options: RedisOptions): BlockingLimit | undefined {
  const { blockingTimeout, blockingTimeoutGrace = 100 } = options;
  return typeof blockingTimeout === "number" && blockingTimeout > 0
    ? { cap: blockingTimeout, grace: blockingTimeoutGrace }
    : undefined;
}

/** ioredis options that the policy brings, where the caller gave none. */
function broughtBy(policy: Policy, explicit: Options): Options {
  const { lazyConnect, keepAlive = KEEP_ALIVE, tls } = policy.connection ?? {};
  return {
    ...("lazyConnect" in explicit || lazyConnect === undefined ? {} : { lazyConnect }),
    ...("keepAlive" in explicit ? {} : { keepAlive }),
    ...("tls" in explicit || tls === undefined ? {} : { tls: {} }),
  };
}
