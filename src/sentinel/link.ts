/**
 * A connection to one Sentinel, kept while it is asked again and again, so that an outage does not make a connect for every
 * question. One question at a time; it closes when it has not been used for a while.
 */
import { AwakeTimeout } from "../awake-timeout.js";
import { clock, type Timer } from "../clock.js";
import { formatDuration } from "../format.js";
import { ErrorReply, type Reply } from "../resp.js";
import type { Address } from "./address.js";
import { dial, LateError, type Way } from "./dial.js";
import type { Entry, Line } from "./entry.js";
import { RespSocket } from "./resp-socket.js";

/** Milliseconds. */
export interface LinkLimits {
  readonly connect: number;
  readonly answer: number;
}

/** What was asked, and how far the answers have come. */
interface Question {
  readonly answers: (Reply | undefined)[];
  readonly count: number;
  readonly settle: (answers: readonly (Reply | undefined)[]) => void;
  readonly fail: (error: Error) => void;
  timer: AwakeTimeout | undefined;
}

/** A link that nobody has used for so long is closed. Milliseconds. */
const IDLE = 2_000;
/** The answers to the questions behind the first are worth this wait, in milliseconds: a Sentinel sends all of them at once. */
const REST = 100;

export class SentinelLink {
  readonly #way: Way;
  readonly #address: Address;
  readonly #onEnd: () => void;
  #socket: RespSocket | undefined = undefined;
  #isUp = false;
  readonly #entry: Entry;
  readonly #whenIdle: (() => void)[] = [];
  #question: Question | undefined = undefined;
  #idle: Timer | undefined = undefined;

  /** `onEnd` is called once, when it has closed. */
  constructor(address: Address, way: Way, entry: Entry, onEnd: () => void) {
    this.#address = address;
    this.#way = way;
    this.#entry = entry;
    this.#onEnd = onEnd;
  }

  /** The Sentinel refused its login, and there is, or may be, another one. */
  get mayLogInAnew(): boolean {
    return this.#entry.mayTryAnew;
  }

  /**
   * The replies to these commands; those behind the first are `undefined` if they do not come soon after it.
   *
   * @throws {LateError} when it does not accept a connection or answer in time; otherwise the socket's own error.
   */
  ask(commands: readonly (readonly string[])[], limits: LinkLimits): Promise<readonly (Reply | undefined)[]> {
    clock.clearTimeout(this.#idle);
    return new Promise((resolve, reject) => {
      this.#question = { answers: [], count: commands.length, settle: resolve, fail: reject, timer: undefined };
      const socket = (this.#socket ??= this.#open(limits));
      socket.hold(true);
      socket.write(commands);
      if (this.#isUp) this.#await(limits.answer);
    });
  }

  /** Destroys it. */
  end(reason: Error = new Error("the lookup was ended")): void {
    this.#socket?.end(reason);
  }

  #open(limits: LinkLimits): RespSocket {
    const raw = dial(this.#address, this.#way, limits.connect);
    const socket = new RespSocket(raw, {
      reply: (reply) => this.#replied(reply),
      ended: (error) => this.#ended(error),
    });
    raw.once(this.#way.tls === undefined ? "connect" : "secureConnect", () => {
      this.#isUp = true;
      if (this.#question !== undefined) this.#await(limits.answer);
    });
    socket.write(this.#entry.begin(this.#lineOn(socket)));
    return socket;
  }

  /** Between two questions it is logged in anew. */
  #lineOn(socket: RespSocket): Line {
    return {
      isBusy: () => this.#question !== undefined,
      whenIdle: (run) => void this.#whenIdle.push(run),
      logIn: (auth) => socket.write([auth]),
      end: () => this.end(),
    };
  }

  #await(limit: number): void {
    const question = this.#question;
    if (question === undefined) return;
    question.timer = new AwakeTimeout(() => {
      this.end(new LateError(`accepted the connection and did not answer within ${formatDuration(limit)}`));
    }, limit);
  }

  #replied(reply: Reply): void {
    // One that wants no password answers a login all the same.
    if (this.#entry.takes(reply)) return;
    const question = this.#question;
    if (question === undefined) return;
    question.answers.push(this.#asRefused(reply));
    if (question.answers.length >= question.count) this.#settle(question);
    else if (question.answers.length === 1) {
      question.timer?.cancel();
      question.timer = new AwakeTimeout(() => {
        this.#settle(question);
        // What comes late would be taken for the answer to the next question.
        this.end();
      }, REST);
    }
  }

  /** That the login was refused says more than that it is missing. */
  #asRefused(reply: Reply): Reply {
    const isMissing = reply instanceof ErrorReply && reply.message.startsWith("NOAUTH");
    return isMissing ? (this.#entry.refusal ?? reply) : reply;
  }

  #settle(question: Question): void {
    question.timer?.cancel();
    this.#question = undefined;
    question.settle(question.answers);
    this.#socket?.hold(false);
    this.#idle = clock.setTimeout(() => this.end(), IDLE);
    this.#idle.unref();
    for (const run of this.#whenIdle.splice(0)) run();
  }

  #ended(error: Error): void {
    clock.clearTimeout(this.#idle);
    const question = this.#question;
    question?.timer?.cancel();
    this.#question = undefined;
    this.#entry.end();
    this.#onEnd();
    question?.fail(error);
  }
}
