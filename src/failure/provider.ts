/** Recognises managed Redis offerings by host name: what one can check and change differs from one to the next. */

/** Data: one row an offering. */
const PROVIDERS: readonly (readonly [Provider, RegExp])[] = [
  ["elasticache", /\.(?:cache|memorydb)\.[\w-]+\.amazonaws\.com(?:\.cn)?$|\.cache\.amazonaws\.com$/i],
  ["azure", /\.redis(?:enterprise)?(?:\.cache)?\.(?:windows\.net|azure\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/i],
  ["upstash", /\.upstash\.io$/i],
  ["redis-cloud", /\.(?:redislabs\.com|redis-cloud\.com|redns\.redis-cloud\.com)$/i],
  [
    "managed",
    /\.(?:aivencloud\.com|ondigitalocean\.com|rediscloud\.com|render\.com|railway\.app|clever-cloud\.com|scw\.cloud)$/i,
  ],
];

export type Provider = "elasticache" | "azure" | "upstash" | "redis-cloud" | "managed";

/** The offering a host name belongs to; undefined for hosts one runs oneself. */
export function providerOf(host: string | undefined): Provider | undefined {
  const name = host?.replace(/\.$/, ""); // a name may be written with the dot of the DNS root
  return name === undefined ? undefined : PROVIDERS.find(([, pattern]) => pattern.test(name))?.[0];
}
