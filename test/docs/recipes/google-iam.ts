import { GoogleAuth } from "google-auth-library";
import { createRedis, type CredentialsProvider } from "ioredoubt";

const auth = new GoogleAuth({ scopes: "https://www.googleapis.com/auth/cloud-platform" });

const fromGoogle: CredentialsProvider = async () => {
  const client = await auth.getClient();
  const { token } = await client.getAccessToken();
  return { password: token ?? "", expiresAt: client.credentials.expiry_date ?? undefined };
};

export const redis = createRedis({ host: "10.0.0.5", credentials: fromGoogle });
