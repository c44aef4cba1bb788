import { DefaultAzureCredential } from "@azure/identity";
import { createRedis, type CredentialsProvider } from "ioredoubt";

const identity = new DefaultAzureCredential();

const fromEntraId: CredentialsProvider = async ({ signal }) => {
  const { token, expiresOnTimestamp } = await identity.getToken("https://redis.azure.com/.default", {
    abortSignal: signal,
  });
  // The user is the object id of the identity, which the token names.
  const claims = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
  const { oid } = JSON.parse(claims) as { oid: string };
  return { username: oid, password: token, expiresAt: expiresOnTimestamp };
};

export const redis = createRedis({
  host: "example.redis.cache.windows.net",
  port: 6380,
  tls: {},
  credentials: fromEntraId,
});
