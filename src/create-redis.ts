/** `createRedis`: `new Redis(...)` for those who prefer a function. */
import { checkRedisArguments } from "./options/arguments.js";
import { Redis, type RedisOptions } from "./redis.js";

/**
 * A client for a standalone server or Sentinel, with every argument form of ioredis's `new Redis(...)`.
 *
 * @throws {ConfigError} before anything connects, with every problem in arguments, options and environment.
 */
export function createRedis(port: number, host: string, options: RedisOptions): Redis;
export function createRedis(path: string, options: RedisOptions): Redis;
export function createRedis(port: number, options: RedisOptions): Redis;
export function createRedis(port: number, host: string): Redis;
export function createRedis(options: RedisOptions): Redis;
export function createRedis(port: number): Redis;
export function createRedis(path: string): Redis;
export function createRedis(): Redis;
export function createRedis(...args: unknown[]): Redis {
  checkRedisArguments(args);
  return new (Redis as new (...args: unknown[]) => Redis)(...args);
}
