/** Free loopback ports for tests: outside the ephemeral range, so that a server that is down keeps its port. */
export { freePort } from "../../lab/free-port.mjs";
