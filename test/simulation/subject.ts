/** The package under test: loaded once, after virtual time is in place, and watched for what would end its process. */
import { createRequire } from "node:module";
import type * as Library from "../../src/index.js";
import { VirtualClock } from "./world/clock.js";
import { installTime } from "./world/install.js";

type IncidentListener = (kind: string, error: unknown) => void;

export interface Subject {
  readonly clock: VirtualClock;
  readonly lib: Pick<typeof Library, "Redis">;
  /** What would have ended a process, or been written to its standard error. */
  readonly incidents: { listener: IncidentListener };
}

/** @param path - The built package: a folder with `dist`. */
export function loadSubject(path: string): Subject {
  const clock = new VirtualClock();
  installTime(clock);
  const incidents: { listener: IncidentListener } = { listener: () => undefined };
  process.on("uncaughtException", (error) => incidents.listener("uncaught error", error));
  process.on("unhandledRejection", (error) => incidents.listener("unhandled rejection", error));
  process.on("warning", (warning) => incidents.listener("warning", warning));
  const require = createRequire(import.meta.url);
  const lib = require(path) as typeof Library;
  return { clock, lib, incidents };
}
