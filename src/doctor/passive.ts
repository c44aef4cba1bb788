/**
 * The short version for a client that has just lost its server: name, path and what the server says unasked. It sends no
 * byte, starts no tool and is bounded, so that it may run in the middle of an outage.
 */
import type { Code } from "../failure/codes.js";
import { examine } from "./diagnose.js";
import type { Machine } from "./machine.js";
import type { TargetOptions } from "./target.js";

/** What is wrong, seen from outside. */
export interface PassiveVerdict {
  readonly code: Code;
  readonly sentence: string;
}

/** Options of `passiveVerdict`. */
export interface PassiveOptions {
  /** Milliseconds for the whole, default and most 2000. */
  readonly timeout?: number | undefined;
  /** The client was connected to this address before. Default false. */
  readonly served?: boolean | undefined;
  /** Default false. */
  readonly cluster?: boolean | undefined;
  readonly machine?: Partial<Machine> | undefined;
}

const LONGEST = 2000;
/** Of the whole: the path may take half, the first bytes a quarter. */
const CONNECT_PART = 0.5;
const LISTEN_PART = 0.25;

/**
 * What is wrong, seen from outside, or undefined when nothing is (or nothing could be told in time). Never rejects, never
 * writes to the server. Over TLS the first bytes are not listened to: a server speaks there only after a handshake.
 */
export async function passiveVerdict(
  target: string | TargetOptions,
  options: PassiveOptions = {},
): Promise<PassiveVerdict | undefined> {
  const timeout = Math.min(options.timeout ?? LONGEST, LONGEST);
  const limits = { timeout, connectTimeout: timeout * CONNECT_PART, replyTimeout: timeout * LISTEN_PART };
  try {
    const { verdict } = await examine(
      target,
      { env: {}, cluster: options.cluster, served: options.served, machine: options.machine, ...limits },
      true,
    );
    const { status, code, sentence } = verdict;
    return status === "failed" && code !== undefined ? { code, sentence } : undefined;
  } catch {
    return undefined;
  }
}
