/** Whether a value of `tls` or `sentinelTLS` switches TLS on, as ioredis reads it. */
export function isTls(tls: unknown): boolean {
  return tls !== undefined && tls !== null && tls !== false;
}
