/**
 * Real redis-server processes for tests. The mechanism lives in `lab/`, plain JavaScript, because the demo and the
 * benchmarks stand on the same ground.
 */
export { REDIS_SERVER, startRedis } from "../../lab/redis-server.mjs";
export type { RedisOptions, RedisServer } from "../../lab/redis-server.mjs";
