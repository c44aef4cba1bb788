/** Asks a server whether it is well, past the flow and on the client's own connection: what half-open circuits are tested with. */
import { Command } from "ioredis";
import { classify } from "../failure/classify.js";
import type { FailureContext } from "../failure/diagnosis.js";
import type { CircuitKind } from "../flow/circuit.js";

export interface ProbeHooks {
  readonly keyPrefix: string;
  /** Sends a command of our own; its promise tells the outcome. */
  send(command: Command): Promise<unknown>;
  context(): FailureContext;
}

/** Resolves to whether the server answered well within `timeout` milliseconds; never rejects. */
export async function probe(kind: CircuitKind, timeout: number, hooks: ProbeHooks): Promise<boolean> {
  // SETRANGE with an empty value writes nothing, not even an empty key, yet the server treats it as a write that
  // needs memory: it fails with READONLY, OOM, MISCONF or NOREPLICAS exactly when other writes would.
  const command =
    kind === "write" ? new Command("setrange", [`${hooks.keyPrefix}ioredoubt:probe`, "0", ""]) : new Command("ping");
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeout);
    timer.unref();
  });
  const answered = hooks.send(command).then(
    () => true,
    (error: unknown) => {
      const { breaker } = classify(error, { ...hooks.context(), written: true });
      return kind === "write" ? breaker === "none" : breaker !== "read-write";
    },
  );
  const healthy = await Promise.race([answered, late]);
  clearTimeout(timer);
  return healthy;
}
