/** Asks a server whether it is well, past the engine and on the client's own connection: what half-open circuits are tested with. */
import { withinAwake } from "../awake-timeout.js";
import { Command } from "ioredis";
import { classify } from "../failure/classify.js";
import type { FailureContext } from "../failure/diagnosis.js";
import type { CircuitKind } from "../engine/ports.js";

export interface ProbeHooks {
  /** The key that a write is tried on. */
  key(): string;
  /** Sends a command of our own; its promise tells the outcome. */
  send(command: Command): Promise<unknown>;
  context(): FailureContext;
  /** The server answered that it is read-only. */
  readOnly(): void;
}

/** The key that a write is tried on, where nothing else decides. `keyPrefix` keeps it within the caller's own. */
export function probeKey(keyPrefix: string): string {
  return `${keyPrefix}ioredoubt:probe`;
}

/** What the server is asked. */
export function probeCommand(kind: CircuitKind, key: string): Command {
  // SETRANGE with an empty value writes nothing, not even an empty key, yet the server treats it as a write that
  // needs memory: it fails with READONLY, OOM, MISCONF or NOREPLICAS exactly when other writes would.
  return kind === "write" ? new Command("setrange", [key, "0", ""]) : new Command("ping");
}

/** Resolves to whether the server answered well within `timeout` milliseconds of this process's own running; never rejects. */
export async function probe(kind: CircuitKind, timeout: number, hooks: ProbeHooks): Promise<boolean> {
  const answered = hooks.send(probeCommand(kind, hooks.key())).then(
    () => true,
    (error: unknown) => {
      const { breaker, code } = classify(error, { ...hooks.context(), written: true });
      if (code === "READ_ONLY_REPLICA") hooks.readOnly();
      return kind === "write" ? breaker === "none" : breaker !== "read-write";
    },
  );
  return withinAwake(answered, timeout, () => false);
}
