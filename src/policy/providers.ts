/**
 * Presets for hosting providers, Data only: each value and note is from the provider's own
 * documentation, cited beside it; the host names they are found by are in `failure/provider.ts`. A preset lies under everything a user writes, and `provider: false` removes it.
 */
import { providerOf } from "../failure/provider.js";
import type { ConnectionDefaults, PolicyValues, ProviderName } from "./shape.js";
import type { UserRedisOptions } from "./translate.js";

/** One preset: policy values, ioredis options and what is known of the provider. Durations are milliseconds. */
export interface Provider {
  readonly name: ProviderName;
  readonly label: string;
  readonly values: PolicyValues;
  readonly connection: ConnectionDefaults;
  /** `always`: plain text is never accepted. `usual`: TLS unless it was switched off. `optional`: chosen per database. */
  readonly tls: "always" | "usual" | "optional";
  /** The provider closes connections that are idle for this long. */
  readonly idleLimit?: number;
  /** The port that speaks plain text only. */
  readonly plainPort?: number;
  readonly notes: readonly string[];
  readonly sources: readonly string[];
}

const AWS_NOTES = [
  "A failover moves the name to another address: the old primary answers READONLY, so the client reconnects and asks the DNS again.",
  "A node takes at most 65,000 connections.",
];
const AWS_SOURCES = [
  "https://aws.amazon.com/blogs/database/best-practices-redis-clients-and-amazon-elasticache-for-redis/",
  "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/BestPractices.Clients.Redis.ServerTimeout.html",
];

/** Every preset. The table in docs/policy.md is checked against it. */
export const PROVIDERS: readonly Provider[] = [
  {
    name: "aws-serverless",
    label: "Amazon ElastiCache Serverless",
    values: {},
    connection: { tls: true },
    tls: "always",
    notes: ["Encryption in transit is always on: without TLS a connection hangs.", ...AWS_NOTES],
    sources: [...AWS_SOURCES, "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption.html"],
  },
  {
    name: "aws",
    label: "Amazon ElastiCache or MemoryDB",
    values: {},
    connection: {},
    tls: "optional",
    notes: AWS_NOTES,
    sources: AWS_SOURCES,
  },
  {
    name: "azure",
    label: "Azure Cache for Redis or Azure Managed Redis",
    values: { reconnect: { handshakeTimeout: 15_000 } },
    connection: {},
    tls: "usual",
    idleLimit: 600_000,
    plainPort: 6379,
    notes: [
      "Connecting may take 15 s under load; the provider advises not to give up earlier.",
      "Connections idle for 10 minutes are closed; the heartbeat keeps them in use.",
      "The port without TLS is switched off by default.",
    ],
    sources: [
      "https://learn.microsoft.com/azure/azure-cache-for-redis/cache-best-practices-connection",
      "https://learn.microsoft.com/azure/azure-cache-for-redis/cache-management-faq",
      "https://github.com/StackExchange/StackExchange.Redis/blob/11ef77d768866dae8cdbc599711ccda0c28abc33/src/StackExchange.Redis/Configuration/AzureOptionsProvider.cs",
    ],
  },
  {
    name: "gcp",
    label: "Google Cloud Memorystore",
    values: {},
    connection: {},
    tls: "optional",
    notes: [
      "Addresses are private IPs, so it is never found by name: set provider to gcp.",
      "With encryption in transit, plain connections are blocked and the instance's own certificate authority is needed (REDIS_TLS_CA_FILE).",
      "An authority is valid for ten years; the next one can be installed from the fifth on.",
    ],
    sources: ["https://cloud.google.com/memorystore/docs/redis/in-transit-encryption"],
  },
  {
    name: "redis-cloud",
    label: "Redis Cloud",
    values: {},
    connection: {},
    tls: "optional",
    notes: [
      "TLS is off until it is switched on for a database, which then takes no plain connection: the scheme of the URL decides.",
      "Some plans use the provider's own certificate authority: redis_ca.pem from the console (REDIS_TLS_CA_FILE).",
    ],
    sources: ["https://redis.io/docs/latest/operate/rc/security/database-security/tls-ssl/"],
  },
  {
    name: "upstash",
    label: "Upstash",
    values: {},
    connection: { tls: true },
    tls: "always",
    notes: ["TLS cannot be switched off: a plain connection ends in ECONNRESET."],
    sources: [
      "https://upstash.com/docs/redis/howto/connect-client",
      "https://upstash.com/docs/redis/troubleshooting/econn_reset",
    ],
  },
  {
    name: "heroku",
    label: "Heroku Key-Value Store",
    values: {},
    connection: { tls: true },
    tls: "always",
    notes: [
      "Hosts are plain EC2 names, so it is never found by name: set provider to heroku.",
      "All plans require TLS. Idle connections are closed after the time set by heroku redis:timeout; the heartbeat keeps them in use.",
    ],
    sources: ["https://devcenter.heroku.com/articles/heroku-redis"],
  },
  {
    name: "digitalocean",
    label: "DigitalOcean Managed Databases",
    values: {},
    connection: {},
    tls: "usual",
    plainPort: 25_060,
    notes: [
      "Certificates are from Let's Encrypt: no authority of your own is needed.",
      "Port 25061 speaks TLS. Port 25060 speaks plain text and is there only when TLS is no longer required.",
    ],
    sources: [
      "https://docs.digitalocean.com/products/databases/valkey/how-to/connect/",
      "https://registry.terraform.io/providers/digitalocean/digitalocean/latest/docs/resources/database_redis_config",
    ],
  },
  {
    name: "aiven",
    label: "Aiven for Valkey",
    values: {},
    connection: {},
    tls: "usual",
    idleLimit: 300_000,
    notes: [
      "Connections idle for 5 minutes are closed (valkey_timeout); the heartbeat keeps them in use.",
      "TLS connections are closed after 12 hours, whatever they do; the client reconnects.",
      "The service's URI begins with valkeys://: write rediss:// instead.",
    ],
    sources: [
      "https://aiven.io/docs/products/caching/troubleshooting",
      "https://aiven.io/docs/products/redis/howto/manage-ssl-connectivity",
    ],
  },
];

/**
 * The preset that applies: the named one, or the one the host name belongs to (see `PROVIDER_HOSTS`); none for `false`, for other
 * hosts, and for providers that are recognised and have no preset.
 */
export function presetFor(choice: ProviderName | false | undefined, redis: UserRedisOptions): Provider | undefined {
  if (choice === false) return undefined;
  const name = choice ?? (typeof redis.host === "string" ? providerOf(redis.host) : undefined);
  return PROVIDERS.find((provider) => provider.name === name);
}
