/**
 * The package under test, loaded after virtual time is in place, and watched for what would end its process. What is left of
 * one run must not reach the next: a client that was never closed holds timers, counts and clocks that all clients of a process
 * share. Where something may be left the package is loaded anew, with everything it depends on.
 */
import { createRequire } from "node:module";
import type * as Library from "../../src/index.js";
import { Random } from "./random.js";
import { VirtualClock } from "./world/clock.js";
import { installTime } from "./world/install.js";
import { installNet, type Dialler } from "./world/net.js";

type Loaded = Pick<typeof Library, "Redis" | "Cluster">;
type IncidentListener = (kind: string, error: unknown) => void;

export class Subject {
  readonly clock: VirtualClock;
  /** Where the package makes connections that no `Connector` of the run makes. */
  readonly net: Dialler;
  /** What would have ended a process, or been written to its standard error. */
  readonly incidents: { listener: IncidentListener } = { listener: () => undefined };
  readonly #path: string;
  readonly #require = createRequire(import.meta.url);
  /** Modules of the simulation itself, which stay. */
  readonly #own: ReadonlySet<string>;
  #lib: Loaded;
  #isSpoiled = false;

  constructor(path: string, clock: VirtualClock, net: Dialler) {
    this.clock = clock;
    this.net = net;
    this.#path = path;
    this.#own = new Set(Object.keys(this.#require.cache));
    this.#lib = this.#load();
  }

  get lib(): Loaded {
    return this.#lib;
  }

  /** A run has found something: what it leaves behind is anybody's guess. */
  spoil(): void {
    this.#isSpoiled = true;
  }

  /** Before a run: makes sure that the package knows of none before. */
  prepare(): void {
    // A run that went well leaves no timer.
    if (!this.#isSpoiled && this.clock.timers.length === 0) return;
    this.#isSpoiled = false;
    // What old clients still wait for never comes.
    this.clock.reset(new Random(0));
    const { cache } = this.#require;
    for (const name of Object.keys(cache)) if (!this.#own.has(name)) Reflect.deleteProperty(cache, name);
    this.#lib = this.#load();
  }

  #load(): Loaded {
    return this.#require(this.#path) as typeof Library;
  }
}

/** @param path - The built package: a folder with `dist`. */
export function loadSubject(path: string): Subject {
  const clock = new VirtualClock();
  installTime(clock);
  const subject = new Subject(path, clock, installNet());
  const { incidents } = subject;
  process.on("uncaughtException", (error) => incidents.listener("uncaught error", error));
  process.on("unhandledRejection", (error) => incidents.listener("unhandled rejection", error));
  process.on("warning", (warning) => incidents.listener("warning", warning));
  return subject;
}
