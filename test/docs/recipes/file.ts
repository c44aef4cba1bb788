import { createRedis, credentialsFromFile } from "ioredoubt";

export const redis = createRedis({
  host: "redis.internal",
  credentials: credentialsFromFile("/run/secrets/redis/password", { username: "app" }),
});
