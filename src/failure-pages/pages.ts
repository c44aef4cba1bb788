/** The pages: one for each code, from the texts of each area. */
import type { Code } from "../failure/codes.js";
import type { Page } from "./page.js";
import { ACCESS } from "./texts/access.js";
import { ADDRESSES } from "./texts/addresses.js";
import { CLIENT } from "./texts/client.js";
import { CONNECTION } from "./texts/connection.js";
import { LIMITS } from "./texts/limits.js";
import { NETWORK } from "./texts/network.js";
import { SERVER } from "./texts/server.js";
import { TLS } from "./texts/tls.js";
import { TOPOLOGY } from "./texts/topology.js";
import { USAGE } from "./texts/usage.js";

/** The long texts of every code. */
export const PAGES: Readonly<Record<Code, Page>> = {
  ...ACCESS,
  ...ADDRESSES,
  ...CLIENT,
  ...CONNECTION,
  ...LIMITS,
  ...NETWORK,
  ...SERVER,
  ...TLS,
  ...TOPOLOGY,
  ...USAGE,
};
