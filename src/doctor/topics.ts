/** Chapters of the troubleshooting guide that the doctor walks through; each finding names the one it belongs to. */
export const TOPICS = [
  "1.1 Host and port",
  "1.2 Firewalls",
  "1.3 Network tests",
  "1.4 VPN, proxy, mesh",
  "2.1 Is the server running",
  "2.2 Server resources",
  "2.3 Bind address",
  "3.1 Client configuration",
  "3.2 Versions",
  "3.3 Client connections",
  "4.1 Passwords and ACL",
  "4.2 TLS",
  "5 Topology",
  "6 Best practices",
] as const;

/** A chapter of the guide. */
export type Topic = (typeof TOPICS)[number];
