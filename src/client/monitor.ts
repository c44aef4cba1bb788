/** `monitor()`: a connection of its own that reports what the server executes; ready within the deadline, or not at all. */
import type { Redis as IORedis } from "ioredis";
import { withinAwake } from "../awake-timeout.js";
import type { IoredoubtErrorDetails } from "../failure/errors.js";
import { ClosedError, DeadlineError } from "../failure/errors.js";
import { formatDuration } from "../format.js";

export interface MonitorParts<C> {
  /** A duplicate that sends MONITOR as soon as it is connected. */
  readonly instance: C;
  readonly label: string;
  /** Milliseconds; `Infinity` for no limit. */
  readonly limit: number;
  readonly details: () => IoredoubtErrorDetails;
}

/** Resolves to the instance once it monitors; one that does not is ended, since nobody else holds it. */
export async function startMonitor<C extends IORedis>({
  instance,
  label,
  limit,
  details,
}: MonitorParts<C>): Promise<C> {
  const outcome = new Promise<void>((resolve, reject) => {
    instance.once("monitoring", resolve);
    instance.once("error", reject);
    instance.once("end", () => reject(new ClosedError("CLIENT_CLOSED", "Connection is closed.", details())));
  });
  try {
    await withinAwake(outcome, limit, () => {
      const applied = instance.status === "ready" ? "maybe" : "no";
      const text = `Command timed out: MONITOR was not answered by ${label} within ${formatDuration(limit)}.`;
      throw new DeadlineError("DEADLINE", text, { ...details(), applied, command: "monitor" });
    });
    return instance;
  } catch (error) {
    instance.disconnect();
    throw error;
  } finally {
    outcome.catch(() => undefined);
  }
}
