/**
 * Fails commands fast while the cluster as a whole refuses them. Each node says CLUSTERDOWN then, and none of them is to blame, so that
 * it opens the circuit of no node; and a failover says so for a moment, so that it must last as long as an outage of one server.
 */
import { clock, setUnrefTimeout, type Timer } from "../clock.js";
import { classify } from "../failure/classify.js";
import type { FailureContext } from "../failure/diagnosis.js";
import type { Breaker } from "../endpoint/breaker.js";

export interface ClusterCircuitParts {
  /** The circuit of the cluster; none where the policy has none. */
  readonly breaker: () => Breaker | undefined;
  /** For how long the cluster must have refused, in milliseconds. */
  readonly downAfter: number;
  /** Whether a node says that the cluster serves; `undefined` when none says anything. */
  readonly serves: () => Promise<boolean | undefined>;
  readonly context: () => FailureContext;
}

/** Between two questions whether it serves, in milliseconds. */
const LOOK = 500;

export class ClusterCircuit {
  readonly #parts: ClusterCircuitParts;
  #since: number | undefined = undefined;
  #timer: Timer | undefined = undefined;

  constructor(parts: ClusterCircuitParts) {
    this.#parts = parts;
  }

  /** A node has refused a command because the cluster is down. */
  refused(error: Error): void {
    const breaker = this.#parts.breaker();
    if (this.#since !== undefined || breaker === undefined || breaker.isOpen) return;
    this.#since = clock.now();
    this.#lookSoon(error);
  }

  end(): void {
    clock.clearTimeout(this.#timer);
    this.#timer = this.#since = undefined;
  }

  #lookSoon(error: Error): void {
    const left = (this.#since ?? 0) + this.#parts.downAfter - clock.now();
    this.#timer = setUnrefTimeout(() => void this.#look(error), left > 0 ? Math.min(LOOK, left) : LOOK);
  }

  async #look(error: Error): Promise<void> {
    const since = this.#since;
    const serves = await this.#parts.serves().catch(() => undefined);
    const breaker = this.#parts.breaker();
    // It has ended meanwhile, and may have begun anew.
    if (since === undefined || since !== this.#since || breaker === undefined) return;
    if (serves !== false) {
      this.end();
      // Nobody waits for the next probe of its own.
      if (serves === true) void breaker.probe();
      return;
    }
    if (clock.now() - since >= this.#parts.downAfter) {
      breaker.trip(classify(error, { ...this.#parts.context(), written: true }));
    }
    this.#lookSoon(error);
  }
}
