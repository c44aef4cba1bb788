import { Sha256 } from "@aws-crypto/sha256-js";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { formatUrl } from "@aws-sdk/util-format-url";
import { SignatureV4 } from "@smithy/signature-v4";
import { createRedis, type CredentialsProvider } from "ioredoubt";

const cache = "example"; // the name of the replication group or serverless cache, in lower case
const username = "app";
const signer = new SignatureV4({
  service: "elasticache",
  region: "eu-central-1",
  credentials: defaultProvider(),
  sha256: Sha256,
});

const fromIam: CredentialsProvider = async () => {
  const life = 900;
  const request = {
    method: "GET",
    protocol: "http:",
    hostname: cache,
    path: "/",
    // A serverless cache also wants ResourceType: "ServerlessCache".
    query: { Action: "connect", User: username },
    headers: { host: cache },
  };
  const signed = await signer.presign(request, { expiresIn: life });
  return { username, password: formatUrl(signed).replace("http://", ""), expiresAt: Date.now() + life * 1_000 };
};

export const redis = createRedis({
  host: "master.example.abc123.euc1.cache.amazonaws.com",
  tls: {},
  credentials: fromIam,
});
