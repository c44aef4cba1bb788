/**
 * Puts an engine together: makes its parts and introduces them to each other. Each takes what its interface of parts names, of
 * all that it is given. Where two need each other, one gets a function, and nobody calls it before both are there.
 */
import type { Command } from "ioredis";
import type { ScriptEffect } from "../command/scripts.js";
import { EndpointMembership, type EndpointIdentity } from "../endpoint/registry.js";
import type { Policy } from "../policy/shape.js";
import { AbortedCalls } from "./aborted-calls.js";
import { Admission } from "./admission.js";
import { Availability } from "./availability.js";
import { BatchCollector } from "./batch-collector.js";
import { callOf } from "./call.js";
import { ConnectionEvents } from "./connection-events.js";
import { ConnectionState } from "./connection-state.js";
import { DeadlineExpiry } from "./deadline-expiry.js";
import { Deadlines, type DeadlineList } from "./deadlines.js";
import { DowntimeTracker } from "./downtime.js";
import type { Elsewhere } from "./elsewhere.js";
import { EndpointMember } from "./endpoint-member.js";
import { ErrorReplies } from "./error-replies.js";
import { FailureSnapshots } from "./failure-snapshot.js";
import type { Fallback } from "./fallback.js";
import { Flights } from "./flights.js";
import { InFlight } from "./in-flight.js";
import { IncompleteTransactions } from "./incomplete-transactions.js";
import { Intake } from "./intake.js";
import { IssuedTransactions } from "./issued-transactions.js";
import { Lifecycle } from "./lifecycle.js";
import { LostCommands } from "./lost-commands.js";
import { OfflineQueue } from "./offline-queue.js";
import { ConnectionOpening } from "./connection-opening.js";
import { ParkedCalls } from "./parked-calls.js";
import type { BlockingLimit, Transport, TransportEvents } from "./ports.js";
import { QueueRefusals } from "./queue-refusals.js";
import { Redial } from "./redial.js";
import { RefusedCommands } from "./refused-commands.js";
import { Release } from "./release.js";
import { Relogin } from "./relogin.js";
import { Replies } from "./replies.js";
import { RetryDecision } from "./retry-decision.js";
import { RetryLoop } from "./retry-loop.js";
import { Sender } from "./sender.js";
import { SessionState } from "./session-state.js";
import { Settlement } from "./settlement.js";
import { SilenceHold } from "./silence-hold.js";
import { Standing } from "./standing.js";
import { TimeLimits } from "./time-limits.js";
import { Unsendable } from "./unsendable.js";
import { WaitingBounds } from "./waiting-bounds.js";

export interface EngineOptions {
  readonly policy: Policy;
  readonly transport: Transport;
  readonly endpoint: EndpointIdentity;
  readonly fallback: Fallback | undefined;
  readonly blockingLimit: BlockingLimit | undefined;
  /** What the owner of a script declared of it. */
  readonly scriptEffect: (command: Command) => ScriptEffect | undefined;
  /** It serves blocking commands only: a probe would wait behind one. */
  readonly isForBlocking: boolean;
  /** Who carries on what its server does not serve; `undefined`: nobody, it is all there is. */
  readonly elsewhere?: Elsewhere | undefined;
  /** Something of the caller's own threw: it surfaces as an uncaught exception, as it would in ioredis. */
  readonly report: (thrown: unknown) => void;
}

/** What an engine is driven by, and what its owner may ask. */
export interface EngineParts {
  readonly transport: Transport;
  readonly membership: EndpointMembership;
  readonly member: EndpointMember;
  readonly connection: ConnectionState;
  readonly session: SessionState;
  readonly standing: Standing;
  readonly issued: IssuedTransactions;
  readonly inFlight: InFlight;
  readonly queue: OfflineQueue;
  readonly snapshots: FailureSnapshots;
  readonly limits: TimeLimits;
  readonly settlement: Settlement;
  readonly deadlines: Deadlines;
  /** The deadline list of ordinary commands. */
  readonly usual: DeadlineList | undefined;
  readonly availability: Availability | undefined;
  readonly lifecycle: Lifecycle;
  readonly release: Release;
  readonly flights: Flights;
  readonly unsendable: Unsendable;
  readonly intake: Intake;
  readonly sender: Sender;
  readonly replies: Replies;
  readonly parked: ParkedCalls;
  readonly events: TransportEvents;
}

/** Makes the parts of an engine; it is a member of its endpoint from then on. */
export function composeEngine(options: EngineOptions): EngineParts {
  const { policy, transport, fallback, scriptEffect, isForBlocking, elsewhere, report } = options;
  // What most of them share: how things stand, what is under way, and who ends it.
  const connection = new ConnectionState();
  const session = new SessionState();
  const issued = new IssuedTransactions();
  const standing = new Standing();
  const membership = new EndpointMembership(options.endpoint);
  const inFlight = new InFlight(policy.inFlight, () => {
    // After the replies that came with the one that made room: they may say that the server refuses what follows.
    queueMicrotask(() => release.resume("full"));
  });
  const queue = new OfflineQueue(policy.queue);
  const snapshots = new FailureSnapshots(options.endpoint.label, transport, queue, inFlight, () => retryLoop.refusal);
  const limits = new TimeLimits(policy, options.blockingLimit);
  const downtime = new DowntimeTracker(policy.breaker === false ? undefined : policy.breaker.downAfter, () =>
    member.downTooLong(),
  );
  const deadlines = new Deadlines((calls, swept) => expiry.expired(flights.expanded(calls), swept));
  const usual = policy.deadline === false ? undefined : deadlines.pinnedList(policy.deadline);
  const settlement = new Settlement({
    snapshots,
    queue,
    inFlight,
    fallback,
    unsent: (code) => {
      membership.endpoint.rejected(code);
      if (!connection.isConnected) transport.hurry();
    },
    dropped: (call) => incomplete.dropped(call),
    failed: (failure) => membership.endpoint.observer.commandFailed(failure),
    fellBack: (command) => membership.endpoint.observer.fellBack(command),
  });
  const state = { connection, session, issued, standing, inFlight, queue, snapshots, downtime };
  const shared = { policy, transport, membership, limits, deadlines, settlement, ...state };

  // Who ends calls before they are answered.
  const incomplete = new IncompleteTransactions(shared);
  const aborted = new AbortedCalls({ ...shared, gaveUp: () => expiry.watchSilence() });
  const refusals = new QueueRefusals(queue, settlement);
  const lifecycle = new Lifecycle({
    ...shared,
    refusals,
    stopTimers: () => {
      retryLoop.stop();
      silence.stop();
      downtime.reset();
    },
    restDeadlines: () => deadlines.rest(),
  });
  const expiry = new DeadlineExpiry({
    ...shared,
    isHeld: () => connection.isPausedBy("silence"),
    endForQuit: (call) => lifecycle.endForQuit(call),
  });

  // Who lets calls go, and who holds them back.
  const release: Release = new Release({
    ...shared,
    blockingRouter: () => intake.router,
    send: (call, now) => sender.send(call, now),
    expired: (calls) => expiry.expired(calls, { late: 0 }),
    holdsWritesOnly: () => retryLoop.writesOnly,
  });
  const redial = new Redial({ ...shared, release });
  // Where nothing may wait, nothing is held; and a connection for blocking commands has only those.
  const after = policy.queue !== false && !isForBlocking && policy.silenceHold;
  const silence = new SilenceHold(
    { after, deadline: limits.usual },
    {
      isOwed: () => inFlight.unanswered > 0,
      owedFor: (now) => transport.owedFor(now),
      newest: () => {
        const newest = transport.newestUnanswered();
        return newest === undefined ? undefined : callOf(newest);
      },
      whenNextReply: (run) => transport.whenNextReply(run),
      hold: () => {
        connection.pause("silence");
        elsewhere?.silent();
      },
      resume: (heldFor) => {
        opening.confirm(heldFor);
        release.resume("silence");
      },
      lasts: (silentFor) => member.silenceLasts(silentFor),
    },
  );

  // Who may send a call again.
  const decision = new RetryDecision({
    policy: policy.retry,
    membership,
    scriptEffect,
    backoffUntil: () => retryLoop.backoffUntil,
    reprieve: (call, now) => deadlines.reprieve(call, now),
  });
  const retryLoop: RetryLoop = new RetryLoop(policy.retry, connection, {
    probe: () => release.probe(),
    release: () => release.run(),
  });
  const relogin = new Relogin({ transport, connection, retryLoop });
  const refused = new RefusedCommands({ ...shared, retryLoop, release });
  const errorReplies = new ErrorReplies({ ...shared, decision, retryLoop, refused, relogin, elsewhere });
  const lostCommands = new LostCommands({ ...shared, decision });

  // The way of a call: in, out, and back.
  const replies: Replies = new Replies({
    ...shared,
    errorReplies,
    writing: () => sender.writing,
    refusedUnwritten: (call, error) => unsendable.refused(call, error),
  });
  const unsendable: Unsendable = new Unsendable({ ...shared, owner: replies, report });
  const sender: Sender = new Sender({ ...shared, silence, unsendable, incomplete, redial });
  const { latency } = replies;
  const flights = new Flights({ ...shared, owner: replies, usual, silence, latency });
  const availability = limits.waitsForever ? undefined : new Availability(shared);
  const admission = new Admission({ ...shared, availability, wake: () => transport.wake() });
  const gathering = { admission, availability, release, unsendable, retryLoop, refused };
  const bounds = new WaitingBounds(policy, connection, inFlight, silence);
  const intake = new Intake({
    ...shared,
    owner: replies,
    admission,
    collector: new BatchCollector({ ...shared, ...gathering }),
    unsendable,
    incomplete,
    aborted,
    lifecycle,
    bounds,
    refusals,
    release,
    sender,
  });

  // What the endpoint and the transport tell.
  const member = new EndpointMember({
    ...shared,
    availability,
    refusals,
    release,
    redial,
    lifecycle,
    isForBlocking,
  });
  const opening = new ConnectionOpening({ ...shared, member, release, retryLoop, bounds, elsewhere });
  const events = new ConnectionEvents({
    ...shared,
    lifecycle,
    opening,
    redial,
    silence,
    bounds,
    refusals,
    retryLoop,
    refused,
    lostCommands,
  });

  membership.enter(member);

  return {
    ...shared,
    member,
    usual,
    availability,
    lifecycle,
    release,
    flights,
    unsendable,
    intake,
    sender,
    replies,
    parked: new ParkedCalls({ ...shared, owner: replies }),
    events,
  };
}
