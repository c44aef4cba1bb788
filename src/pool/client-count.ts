/**
 * Notices a process that keeps making clients of one server, most often one a request: it counts them by the place in
 * the program that makes them, and says so once. It never shares one behind the caller's back, because SELECT and
 * subscriptions belong to one client.
 */
import { dirname } from "node:path";
import type { Logger } from "../observe/logger.js";

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

/** Counts a new client. Call the result when it has ended. */
export function countClient(label: string, logger: Logger): () => void {
  const frames = callers();
  const key = `${label}\n${frames[0] ?? ""}`;
  const now = performance.now();
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
      `redis ${label}: ${String(site.recent)} clients were made at one place within a minute, ${String(site.open)} of them are open. One client serves any number of requests: make it once and share it.`,
    );
  }
  let isCounted = true;
  return () => {
    if (isCounted) site.open--;
    isCounted = false;
  };
}

/** The stack from the first frame outside this package and ioredis. */
function callers(): string[] {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 30;
  const lines = (new Error().stack ?? "").split("\n").slice(1);
  Error.stackTraceLimit = limit;
  // Taken from the stack's own first line, it holds for sources, for the package and for what a bundler makes of it.
  const own = dirname(dirname(/(?:\(|at )([^()]+):\d+:\d+\)?$/.exec(lines[0] ?? "")?.[1] ?? ""));
  const outside = lines.filter((line) => !line.includes(own) && !/[\\/]node_modules[\\/]ioredis\d*[\\/]/.test(line));
  return outside.slice(0, SHOWN_FRAMES).map((line) => line.trim());
}
