/** Clients that find their server through scripted Sentinels, and Sentinels that end with their test. */
import type { Redis } from "../../src/redis.js";
import type { LogSink } from "../helpers/log-sink.js";
import { startSentinel, type Script, type ScriptedSentinel } from "../helpers/scripted-sentinel.js";
import { atEnd, client, type TestOptions } from "./core-harness.js";

export const NAME = "cache";

/** A Sentinel with this script, for this test only. */
export async function sentinel(script: Script): Promise<ScriptedSentinel> {
  const started = await startSentinel(script);
  atEnd(() => started.stop());
  return started;
}

/** One Sentinel for each script. */
export function sentinels<S extends readonly Script[]>(...scripts: S): Promise<{ [K in keyof S]: ScriptedSentinel }> {
  return Promise.all(scripts.map(sentinel)) as Promise<{ [K in keyof S]: ScriptedSentinel }>;
}

/** A client of the set that these Sentinels watch. */
export function through(
  watching: readonly { readonly address: object }[],
  options: TestOptions = {},
): Redis & { readonly log: LogSink } {
  return client(6379, { sentinels: watching.map(({ address }) => ({ ...address })), name: NAME, ...options });
}

/** The port that a client is connected to. */
export function portOf(redis: Redis): number | undefined {
  return redis.stream.remotePort;
}
