/**
 * Notices a process that keeps making clients of one server, most often one a request: it counts them by the place in
 * the program that makes them, and says so once. It never shares one behind the caller's back, because SELECT and
 * subscriptions belong to one client.
 */
import { clock } from "../clock.js";
import type { Logger } from "../policy/shape.js";

/** That many from one place, open at once or made within a minute, is a pattern and no accident. */
const MANY = 30;
const WINDOW = 60_000;
/** Places that are remembered; beyond, the oldest is forgotten. */
const MAX_SITES = 200;
const SHOWN_FRAMES = 6;

interface Site {
  open: number;
  recent: number;
  windowStart: number;
  hasWarned: boolean;
}

const sites = new Map<string, Site>();

type Maker = NonNullable<Parameters<typeof Error.captureStackTrace>[1]>;

/** Those that call others come first. */
const makers: Maker[] = [];

/** Names a public function or class that makes clients: whoever called it is the place that counts. */
export function makesClients(...added: readonly Maker[]): void {
  makers.unshift(...added);
}

/** Counts a new client. Call the result when it has ended. */
export function countClient(label: string, logger: Logger): () => void {
  const frames = callers();
  const key = `${label}\n${frames[0] ?? ""}`;
  const now = clock.now();
  const site = sites.get(key) ?? { open: 0, recent: 0, windowStart: now, hasWarned: false };
  sites.set(key, site);
  if (sites.size > MAX_SITES) for (const oldest of sites.keys()) if (sites.size > MAX_SITES) sites.delete(oldest);
  if (now - site.windowStart > WINDOW) {
    site.windowStart = now;
    site.recent = 0;
  }
  site.open++;
  site.recent++;
  if (!site.hasWarned && (site.open >= MANY || site.recent >= MANY)) {
    site.hasWarned = true;
    logger.warn(
      {
        event: "client.many",
        endpoint: label,
        open: site.open,
        createdWithinMinute: site.recent,
        createdAt: frames.join("\n"),
      },
      `redis ${label}: ${String(site.open)} clients made in one place are open (${String(site.recent)} made within the last minute). One client serves any number of requests: make it once and share it.`,
    );
  }
  let isCounted = true;
  return () => {
    if (isCounted) site.open--;
    isCounted = false;
  };
}

/** The stack from the call of the outermost maker on. No path tells it: in what a bundler makes, all code is one file. */
function callers(): string[] {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = SHOWN_FRAMES;
  try {
    for (const maker of makers) {
      const here: { stack?: string } = {};
      Error.captureStackTrace(here, maker);
      // Without a frame when the maker was not called.
      const frames = (here.stack ?? "").split("\n").slice(1);
      if (frames.length > 0) return frames.map((line) => line.trim());
    }
  } finally {
    Error.stackTraceLimit = limit;
  }
  return [];
}
