import { createRedis } from "ioredoubt";
import { tokenFor } from "your-tokens";

export const redis = createRedis({
  host: "redis.internal",
  credentials: async ({ signal }) => {
    const { token, endsAt } = await tokenFor("redis", { signal });
    return { username: "app", password: token, expiresAt: endsAt };
  },
});
