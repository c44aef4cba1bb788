/**
 * What happens to the fleets, and when. Every fleet has a proxy of its own and meets the same fault at the same moment;
 * the server is shared. Times are milliseconds.
 */

/**
 * @typedef {{ name: string, ms: number, begin?: () => unknown, end?: () => unknown, recovery?: string }} Phase
 * `recovery` names a phase that begins with the fault gone: from there on the time to the first success counts.
 */

/**
 * @param {import("../lab/redis-server.mjs").RedisServer} server
 * @param {readonly import("../lab/fault-proxy.mjs").FaultProxy[]} proxies
 * @returns {Phase[]}
 */
export function destructiveSchedule(server, proxies) {
  const each = (/** @type {(proxy: import("../lab/fault-proxy.mjs").FaultProxy) => unknown} */ act) =>
    Promise.all(proxies.map(act));
  /** @type {NodeJS.Timeout | undefined} */
  let resets;
  return [
    { name: "calm", ms: 3000 },
    {
      name: "link resets",
      ms: 4000,
      begin: () => {
        resets = setInterval(() => void each((proxy) => proxy.cutAll()), 200);
      },
      end: () => clearInterval(resets),
    },
    {
      name: "replies dropped",
      ms: 3000,
      begin: () => each((proxy) => proxy.dropReplies()),
      end: () => each((proxy) => proxy.pass()),
    },
    { name: "calm again", ms: 2000 },
    {
      name: "server killed",
      ms: 5000,
      // A dead server's port refuses; the proxies in front of it do the same.
      begin: () => Promise.all([server.kill(), each((proxy) => proxy.refuse())]),
      end: async () => {
        await server.restart();
        await each((proxy) => proxy.pass());
      },
    },
    { name: "server back", ms: 5000, recovery: "killed" },
    { name: "server frozen", ms: 4000, begin: () => server.freeze(), end: () => server.thaw() },
    { name: "server thawed", ms: 4000, recovery: "frozen" },
  ];
}

/** @returns {Phase[]} The part that harms nobody: ordinary load on somebody else's server. */
export function harmlessSchedule() {
  return [{ name: "calm", ms: 8000 }];
}
