import type { RedisOptions as IORedisOptions } from "ioredis";
import type { ResilienceOptions } from "../policy/shape.js";

/** ioredis's options and one more. */
export type RedisOptions = IORedisOptions & { readonly resilience?: ResilienceOptions | undefined };
