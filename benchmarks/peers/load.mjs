/**
 * What callers do all the while: each 10 ms an INCR of a key of its own and one of a shared counter, a SET, a GET, a
 * pipeline of 10 and a MULTI of 3. One unit is one promise that a caller would look at: a MULTI is one, each member of a
 * pipeline is one.
 */
import { arrivals } from "../../lab/clock.mjs";
import { Ledger } from "../../lab/ledger.mjs";
import { Phases } from "../../lab/phases.mjs";

const PER_SECOND = 100;
const COUNTERS = 50;
export const READABLE = 100;
const PIPELINE = 10;
/** Every so many pipelines one only reads. */
const PURE_READS = 4;

/** @typedef {{ acknowledged: number, unclear: number }} Told */

export class Load {
  phases = new Phases();
  ledger;
  #peer;
  /** What was told about the INCRs of each shared counter. @type {Map<string, Told>} */
  #counters = new Map();
  /** @type {() => number} */
  stop = () => 0;

  /** @param {import("./contenders.mjs").Peer} peer */
  constructor(peer) {
    this.#peer = peer;
    this.ledger = new Ledger(peer.saysNo);
  }

  start() {
    this.stop = arrivals(PER_SECOND, (n) => this.#tick(n));
  }

  /** @param {number} n */
  #tick(n) {
    const peer = this.#peer;
    this.#track([`i:${n}`], peer.incr(`i:${n}`), isOne);
    this.#count(`c:${n % COUNTERS}`);
    this.#track([`s:${n}`], peer.set(`s:${n}`, "1"), (reply) => reply === "OK");
    this.#track([], peer.get(`read:${n % READABLE}`), isRead(n));
    this.#pipeline(n);
    const keys = [`m:${n}:a`, `m:${n}:b`, `m:${n}:c`];
    const multi = peer.multi(keys.map((key) => ["incr", key]));
    this.#track(keys, multi, (replies) => Array.isArray(replies) && replies.length === 3 && replies.every(isOne));
  }

  /** @param {number} n */
  #pipeline(n) {
    const reads = n % PURE_READS === 0;
    const all = Array.from({ length: PIPELINE }, (_, i) => i);
    const batch = this.#peer.pipeline(
      all.map((i) => (reads ? ["get", `read:${(n + i) % READABLE}`] : ["incr", `p:${n}:${i}`])),
    );
    for (const i of all) {
      const member = batch.then((members) => {
        const [error, reply] = members[i] ?? [new Error("a member without a reply"), undefined];
        if (error) throw error;
        return reply;
      });
      if (reads) this.#track([], member, isRead(n + i));
      else this.#track([`p:${n}:${i}`], member, isOne);
    }
  }

  /**
   * @param {readonly string[]} keys
   * @param {Promise<unknown>} promise
   * @param {(reply: unknown) => boolean} right
   */
  #track(keys, promise, right) {
    this.phases.count(promise);
    const marks = keys.map((key) => ({ key, kind: /** @type {const} */ ("counter") }));
    this.ledger.track(this.phases.current, marks, promise, right);
  }

  /** @param {string} key */
  #count(key) {
    let told = this.#counters.get(key);
    if (told === undefined) this.#counters.set(key, (told = { acknowledged: 0, unclear: 0 }));
    const row = told;
    const promise = this.#peer.incr(key);
    this.#track([], promise, (reply) => Number(reply) > 0);
    promise.then(
      () => row.acknowledged++,
      (error) => (row.unclear += this.#peer.saysNo(error) ? 0 : 1),
    );
  }

  /**
   * The shared counters against the server: what they are too high by was executed twice (or after a "no"), what they are
   * too low by was acknowledged and lost.
   * @param {(commands: string[][]) => Promise<unknown[]>} ask
   */
  async counters(ask) {
    const tally = { twice: 0, lost: 0 };
    const keys = [...this.#counters.keys()];
    const values = await ask(keys.map((key) => ["GET", key]));
    keys.forEach((key, i) => {
      const told = this.#counters.get(key) ?? { acknowledged: 0, unclear: 0 };
      const value = Number(values[i] ?? 0);
      tally.twice += Math.max(0, value - told.acknowledged - told.unclear);
      tally.lost += Math.max(0, told.acknowledged - value);
    });
    return tally;
  }
}

/** @param {unknown} reply */
function isOne(reply) {
  return Number(reply) === 1;
}

/** @param {number} n */
function isRead(n) {
  return (/** @type {unknown} */ reply) => reply === String(n % READABLE);
}
