/**
 * Recognises hosting providers by host name: what one can check and change differs from one to the next, and some have a
 * preset (`policy/providers.ts`). The only table of their names.
 */

/** Data: the host names of each provider; the first that matches counts. The table in docs/policy.md is checked against it. */
export const PROVIDER_HOSTS = {
  "aws-serverless": /\.serverless\.[\w.-]*cache\.amazonaws\.com(\.cn)?$/i,
  aws: /\.cache(\.[\w-]+)?\.amazonaws\.com(\.cn)?$|\.memorydb\.[\w-]+\.amazonaws\.com(\.cn)?$/i,
  azure:
    /\.redis(enterprise)?\.cache\.(windows\.net|azure\.net|chinacloudapi\.cn|usgovcloudapi\.net)$|\.redis\.(azure\.net|chinacloudapi\.cn|usgovcloudapi\.net)$|\.redisenterprise\.windows\.net$/i,
  "redis-cloud": /\.(redislabs|redis-cloud|rediscloud)\.com$/i,
  upstash: /\.upstash\.io$/i,
  digitalocean: /\.db\.ondigitalocean\.com$/i,
  aiven: /\.aivencloud\.com$/i,
  render: /\.render\.com$/i,
  railway: /\.railway\.app$/i,
  "clever-cloud": /\.clever-cloud\.com$/i,
  scaleway: /\.scw\.cloud$/i,
} as const satisfies Readonly<Record<string, RegExp>>;

/** A provider that can be told by a host name. */
export type RecognisedProvider = keyof typeof PROVIDER_HOSTS;

const NAMES = Object.keys(PROVIDER_HOSTS) as RecognisedProvider[];

/** The provider a host name belongs to; undefined for hosts one runs oneself, and without a host. */
export function providerOf(host: string | undefined): RecognisedProvider | undefined {
  const name = host?.replace(/\.$/, ""); // a name may be written with the dot of the DNS root
  return name === undefined ? undefined : NAMES.find((provider) => PROVIDER_HOSTS[provider].test(name));
}
