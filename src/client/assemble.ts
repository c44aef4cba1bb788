/** The composition root: gives a client its policy, engine, transport, routers and pool, in the middle of ioredis's constructor. */
import { ScriptEffects } from "../command/scripts.js";
import type { CredentialsReport } from "../credentials/client-credentials.js";
import { classify } from "../failure/classify.js";
import { Engine } from "../engine/engine.js";
import type { BlockingLimit, Dispatcher } from "../engine/ports.js";
import { ADAPTER, SERVING, type Adapter } from "../ioredis/adapter.js";
import { slotOf } from "../ioredis/commands.js";
import { endpointInfo, labelOf } from "../ioredis/endpoint-info.js";
import { carriesFor } from "../ioredis/heard-send.js";
import { explicitOptions, readTexts, type Options } from "../ioredis/explicit-options.js";
import { internalsOf } from "../ioredis/internals.js";
import { OwnTurn } from "../ioredis/own-turn.js";
import { reportBug } from "../ioredis/report-bug.js";
import { Resubscription } from "../ioredis/resubscription.js";
import { IORedisTransport } from "../ioredis/transport.js";
import { ConnectionPool } from "../lease/pool.js";
import { defaultLogger } from "../observe/default-logger.js";
import { guardedLogger } from "../observe/guarded-logger.js";
import { SILENT } from "../observe/guarded-logger.js";
import { lintAgainstServer, lintPolicy, type PolicyWarning } from "../policy/lint.js";
import type { Policy } from "../policy/shape.js";
import { resolveSources } from "../policy/resolve.js";
import { DedicatedBlocking } from "../routing/dedicated-blocking.js";
import { Lanes } from "../routing/lanes.js";
import { lookFromOutside } from "./background-doctor.js";
import { countClient } from "./client-count.js";
import { credentialsOf } from "./credentials.js";
import { ClientEvents } from "./client-events.js";
import { takeContext, type ConstructionContext } from "./construction-context.js";
import { hostOf, type Client } from "./host.js";
import { holdProcessWhileBusy } from "./idle-unref.js";
import { makeOptionsInspectable } from "./inspection.js";
import { idOf } from "../identity.js";
import { hubOf, observerFor, type Examine } from "./observers-of.js";
import { ClientParts, type Part } from "./parts.js";
import { enrol, retire, type LiveClient } from "./live-clients.js";
import { ProbeAfterSuspend } from "./probe-after-suspend.js";
import type { ResilientOptions } from "./redis-options.js";
import { healthOf } from "./health.js";
import { sealOptions } from "./sealed-options.js";
import { snapshot } from "./stats.js";
import { STATE, type State } from "./state.js";
import { tellNotice, tellResp2, tellWarnings } from "./warnings.js";

/** ioredis 6's default, given to ioredis 5 too: an idle half-open socket is noticed by the kernel. */
const KEEP_ALIVE = 30_000;

/** What ioredis's constructor was given, as it is meant, and what was odd about it. */
export interface Given {
  readonly args: readonly unknown[];
  readonly warnings: readonly PolicyWarning[];
}

/** Sets up everything that hangs on the client, before ioredis's constructor goes on. `create` makes another of its class. */
export function assemble(client: Client, given: Given, create: (options: ResilientOptions) => Client): void {
  const explicit = explicitOptions(given.args);
  readTexts(client.options as Record<string, unknown>);
  const { resilience } = client.options;
  const context = takeContext();
  const { policy, warnings } =
    context?.policy === undefined
      ? workedOut(resilience, explicit, context?.environment)
      : { policy: context.policy, warnings: context.warnings ?? [] };
  const { pooled, node } = context ?? {};
  // The engine is made with what comes next, and nobody asks before it is there.
  const report: CredentialsReport = {
    failed: (error) => engine.endpoint.observer.credentialsFailed(classify(error, transport.context())),
    renewed: () => engine.endpoint.observer.credentialsRenewed(),
  };
  const credentials = pooled === undefined ? credentialsOf(client.options, report) : pooled.credentials;
  const info = endpointInfo(client.options, credentials?.name);
  const label = labelOf(info, resilience?.name);
  const logger = resilience?.logger === false ? SILENT : guardedLogger(resilience?.logger ?? defaultLogger());
  const scripts = pooled?.scripts ?? node?.scripts ?? new ScriptEffects();
  const retryStrategy = explicit["retryStrategy"] as never;
  const sentinelRetryStrategy = explicit["sentinelRetryStrategy"];
  const login = { source: credentials, inherited: pooled?.taken };
  const transport = new IORedisTransport({
    client,
    policy,
    endpoint: info,
    label,
    retryStrategy,
    sentinelRetryStrategy,
    hearsOfFailovers: explicit["failoverDetector"] !== false,
    sentinelCredentials: report,
    login,
    ticks: pooled === undefined ? node?.ticks : undefined,
  });
  const answer = resilience?.fallback;
  const engine = new Engine({
    policy,
    transport,
    endpoint: {
      label,
      policy,
      logId: idOf(logger),
      scope: node?.scope,
      observe: node?.observe ?? observerFor(logger, examiner(client.options, policy)),
    },
    fallback: answer && { answer, limit: policy.deadline || Infinity },
    blockingLimit: blockingLimit(client.options),
    scriptEffect: (command) => scripts.of(command),
    isForBlocking: pooled?.role === "blocking",
    // On a connection that is lent, what its holder did before counts.
    elsewhere: pooled?.role === "lease" ? undefined : node?.elsewhere,
    report: reportBug,
  });
  carriesFor(engine.owner, client);
  const parts = pooled?.parts ?? new ClientParts();
  const part: Part = { engine, transport, role: pooled?.role ?? "own" };
  parts.add(part);
  const events = new ClientEvents(() => hubOf(engine.endpoint.observer));
  const turn = new OwnTurn();
  const internals = internalsOf(client);
  const isUnref = policy.connection?.unref === true;
  transport.introduce(engine.events, {
    answered: () => engine.counters.answered,
    load: () => ({ inFlight: engine.inFlight, waiting: engine.waiting.commands }),
    spaced: (delay) => engine.endpoint.dials.reserve(delay),
    mayAsk: () => engine.mayAsk,
    readOnly: () => engine.noteReadOnly(),
    notice: (says) => tellNotice(label, logger, says),
    greeted: () => turn.end(),
    session: engine.session,
    replace: () => engine.redialWhenIdle(),
    resubscribing: (commands) => adapter.resubscription.begunAnew(commands, transport.lastReadAt),
    active: isUnref ? holdProcessWhileBusy(engine, internals) : undefined,
    probeKey: node?.probeKey,
  });
  const brought = broughtBy(policy, explicit);
  const skipsReadyCheck = client.options.enableReadyCheck === false;
  takeOverOptions(client.options, brought);
  if (node === undefined) tellWarnings(label, logger, [...given.warnings, ...warnings]);

  const first: Dispatcher =
    isUnref && policy.heartbeat !== false
      ? new ProbeAfterSuspend(engine, transport, internals, policy.heartbeat)
      : engine;
  const dispatcher = (): Dispatcher => lanes ?? first;
  const host = hostOf({
    client,
    engine,
    policy,
    logger,
    explicit,
    brought,
    scripts,
    parts,
    node,
    credentials,
    dispatcher,
    create,
  });
  const pool = pooled === undefined ? new ConnectionPool(host) : undefined;
  const lanes = pooled === undefined && policy.pool.size > 1 ? new Lanes(host, slotOf) : undefined;
  if (pool?.blocking !== undefined) {
    const whenSettled = (): Promise<void> => (lanes ?? engine).whenSettled();
    engine.divertTo(new DedicatedBlocking(host, pool.blocking, whenSettled));
  }
  const uncount = pooled === undefined && node === undefined ? countClient(label, logger) : undefined;

  const adapter: Adapter = {
    transport,
    events: engine.events,
    dispatcher: dispatcher(),
    resubscription: new Resubscription({
      backoff: { ...policy.reconnect, factor: 2 },
      write: (command) => transport.write(command, undefined),
      isServing: () => SERVING.has(client.status),
      restored: (event) => void client.emit("resubscribed", event),
      refused: (error) => void client.silentEmit("error", error),
    }),
    turn,
    explicit,
    skipsReadyCheck,
    helloRefusal: {
      label,
      insists: "protocol" in explicit && Number(explicit["protocol"]) === 3,
      told: (word) => tellResp2(label, logger, word),
    },
    serverAllows: (maxClients) => {
      if (pooled === undefined && node === undefined)
        tellWarnings(label, logger, lintAgainstServer(policy, maxClients));
    },
    onEnd: () => {
      pool?.end();
      lanes?.end();
      uncount?.();
      retire(live);
      events.end();
      if (pooled !== undefined) parts.end(part);
    },
    versionTold: undefined,
    isReconnecting: false,
    selectError: undefined,
  };
  const live: LiveClient = {
    label,
    endpoint: info,
    maxLeases: policy.pool.max,
    stats: () => snapshot(client.status, state),
    health: () => healthOf(client.status, state),
    latency: () => parts.totals().latency.buckets(),
  };
  const state: State = {
    engine,
    adapter,
    dispatcher: dispatcher(),
    policy,
    explicit,
    brought,
    environment: context?.environment,
    scripts,
    pool,
    lanes,
    parts,
    enrol: () => {
      if (pooled === undefined) enrol(live);
    },
    events,
    isEndedByOwner: false,
    messageAt: undefined,
    closing: undefined,
  };
  state.enrol();
  Object.defineProperty(client, ADAPTER, { value: adapter });
  Object.defineProperty(client, STATE, { value: state });
}

/** Gives ioredis the options that the policy brings, and keeps those as they are that became part of it. */
function takeOverOptions(options: ResilientOptions, brought: Options): void {
  Object.assign(options, brought);
  sealOptions(options);
  makeOptionsInspectable(options);
}

function workedOut(
  resilience: ResilientOptions["resilience"],
  explicit: Options,
  environment: ConstructionContext["environment"],
): { readonly policy: Policy; readonly warnings: readonly PolicyWarning[] } {
  const resolved = resolveSources({ resilience, redis: explicit, ...environment });
  return { policy: resolved.policy, warnings: lintPolicy(resolved, explicit) };
}

/** The doctor's look from outside, where it is wanted. */
function examiner(options: ResilientOptions, policy: Policy): Examine | undefined {
  const { host, port, path, family, tls, sentinels, resilience } = options;
  const wanted = resilience?.doctor ?? policy.profile !== "test";
  if (!wanted || sentinels) return undefined;
  const address = path ? { path } : { host: host ?? "localhost", port: port ?? 6379, family };
  const target = { ...address, ...(tls ? { tls } : {}) };
  return (served) => lookFromOutside(target, served);
}

function blockingLimit(options: ResilientOptions): BlockingLimit | undefined {
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
