import { createRedis, type CredentialsProvider } from "ioredoubt";

const fromVault: CredentialsProvider = async ({ signal }) => {
  const response = await fetch(`${process.env["VAULT_ADDR"] ?? ""}/v1/database/creds/app`, {
    headers: { "X-Vault-Token": process.env["VAULT_TOKEN"] ?? "" },
    signal,
  });
  if (!response.ok) throw new Error(`Vault answered ${response.status}`);
  const { data, lease_duration } = (await response.json()) as {
    data: { username: string; password: string };
    lease_duration: number;
  };
  return { ...data, expiresAt: Date.now() + lease_duration * 1_000 };
};

export const redis = createRedis({ host: "redis.internal", credentials: fromVault });
