/**
 * The fate of commands that were written and unanswered when their connection closed: sent again where a second
 * execution does no harm, otherwise reported as unknown. Nothing else may resend a written command.
 */
import type { Command } from "ioredis";
import { callOf, type Call } from "../command/call.js";
import { effectOf, isReplaySafe } from "../command/effect.js";
import type { CommandItem } from "../connection/internals.js";
import { classify } from "../failure/classify.js";
import type { Diagnosis } from "../failure/diagnosis.js";
import type { Policy } from "../policy/shape.js";
import type { Desk } from "./desk.js";
import type { Endpoint } from "./endpoint.js";
import type { Gate } from "./gate.js";
import * as refusal from "./refusal.js";
import type { Retrier } from "./retry.js";
import type { Slices } from "./slices.js";
import type { Phase } from "./transport.js";

/** What the owner of a Lua script declared of it: it changes nothing, or a second run changes nothing more. */
export type ScriptEffect = "read" | "safe";

/** The client, as loss sees it. */
export interface Bereft {
  readonly policy: Policy;
  readonly desk: Desk;
  readonly gate: Gate;
  readonly slices: Slices;
  readonly retrier: Retrier;
  readonly endpoint: Endpoint;
  readonly phase: Phase;
  inFlight: number;
  readonly scriptEffect: ((command: Command) => ScriptEffect | undefined) | undefined;
}

export class Loss {
  readonly #client: Bereft;

  constructor(client: Bereft) {
    this.#client = client;
  }

  /** These were written and unanswered, oldest first. `fatal`: the replies made no sense, so asking again will not help. */
  befall(items: readonly CommandItem[], cause: Error | undefined, fatal: boolean): void {
    const calls: Call[] = [];
    for (const { command, select } of items) {
      const call = callOf(command);
      if (call?.state !== "sent") continue;
      call.state = "lost";
      call.db = select;
      this.#client.inFlight--;
      calls.push(call);
    }
    if (calls.length > 0) this.#decideAll(calls, cause, fatal);
  }

  #decideAll(calls: readonly Call[], cause: Error | undefined, fatal: boolean): void {
    const { desk, endpoint, phase, slices } = this.#client;
    const scene = withLost(desk.scene(cause), calls);
    desk.stats.lost += calls.length;
    const diagnosis = classify(cause, { ...scene.context, written: true });
    if (phase === "open") {
      // Nothing has failed yet: most of these commands may go again.
      endpoint.incident.failed(diagnosis, 0);
      // One lost connection is one piece of evidence, however many commands it took along.
      endpoint.readWrite?.failed(diagnosis, performance.now());
    }
    slices.run(calls, (call) => this.#decide(call, scene, diagnosis, fatal));
  }

  #decide(call: Call, scene: refusal.Scene, diagnosis: Diagnosis, fatal: boolean): void {
    if (call.state !== "lost") return;
    const { desk, phase } = this.#client;
    if (call.traits.carriage === "quit") {
      desk.resolve(call, Buffer.from("OK"));
      return;
    }
    if (phase !== "open") {
      desk.reject(call, refusal.closed(call, scene, performance.now()));
      return;
    }
    this.#abandonRefused(call);
    const { tie } = call;
    if (tie?.executed === false) {
      // Queued behind a MULTI whose EXEC was never sent: the server dropped it with the connection.
      desk.reject(call, refusal.transactionAborted(call, scene, tie.held, performance.now()));
      return;
    }
    const peers = call.batch?.transaction === true ? call.batch.calls : [call];
    const safe = peers.every((peer) => peer.tie === undefined && this.#mayResend(peer));
    if (safe && !fatal && this.#takeRetry(call)) this.#giveBack(call);
    else for (const peer of peers) if (peer.state === "lost") this.#report(peer, scene, diagnosis, safe);
  }

  /** Some of the batch was refused before the connection went: it can no longer go again as one. */
  #abandonRefused({ batch }: Call): void {
    if (batch === undefined || batch.refused.length === 0) return;
    batch.partial = true;
    for (const { call, error } of batch.takeRefused()) this.#client.desk.rejectAsIs(call, error, true);
  }

  #takeRetry(call: Call): boolean {
    const { retrier, endpoint } = this.#client;
    if (call.batch?.transaction === true && call.batch.partial) return false;
    return retrier.mayResend(call, performance.now()) && (endpoint.budget === undefined || endpoint.budget.take());
  }

  #giveBack(call: Call): void {
    const { desk, endpoint, gate } = this.#client;
    desk.stats.retried++;
    endpoint.incident.retried();
    const { batch } = call;
    if (batch?.transaction === true) {
      batch.restart();
      for (const peer of batch.calls) {
        peer.losses++;
        gate.giveBack(peer);
      }
    } else {
      // A member of a pipeline goes again alone: the pipeline's stream would wait for the members that do not.
      call.stream = call.batch = undefined;
      call.losses++;
      gate.giveBack(call);
    }
  }

  #report(call: Call, scene: refusal.Scene, diagnosis: Diagnosis, safe: boolean): void {
    const { desk, endpoint } = this.#client;
    desk.stats.unknownOutcomes++;
    endpoint.incident.failed(diagnosis);
    endpoint.incident.unknownOutcome();
    desk.reject(call, refusal.outcomeUnknown(call, scene, performance.now(), safe));
  }

  /** Whether a second execution of the call would do no harm, or its owner has said that it may happen. */
  #mayResend(call: Call): boolean {
    const { policy, scriptEffect } = this.#client;
    const { name } = call.traits;
    // The frame of a batch: its members decide.
    if (call.batch?.transaction === true && (name === "multi" || name === "exec")) return true;
    const ambiguous = call.options?.ambiguous ?? (policy.retry === false ? "safe" : policy.retry.ambiguous);
    if (ambiguous === "replay") return true;
    const declared = scriptEffect?.(call.command);
    if (declared !== undefined) return declared === "read" || ambiguous === "safe";
    const effect = effectOf(name, call.command.args);
    return isReplaySafe(effect) && (ambiguous === "safe" || effect.kind === "read" || effect.kind === "connection");
  }
}

/** The scene of a lost connection: by now nothing of what it carried is in its queue any more. */
function withLost(scene: refusal.Scene, calls: readonly Call[]): refusal.Scene {
  const [oldest] = calls;
  if (oldest === undefined) return scene;
  const { name } = oldest.traits;
  const head = { command: name, forMs: Math.round(performance.now() - oldest.sentAt), behind: calls.length - 1 };
  const load = { inFlight: calls.length, waiting: scene.context.load?.waiting ?? 0 };
  return { ...scene, context: { ...scene.context, head, load } };
}
