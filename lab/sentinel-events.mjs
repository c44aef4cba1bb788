/** What the Sentinels of a set say among themselves, with the moment at which it was heard: `+switch-master` and the rest. */
import { connect } from "node:net";
import { encode } from "./resp.mjs";

const ANNOUNCED = /\r\n([+-][a-z-]+)\r\n\$\d+\r\n([^\r]*)\r\n/g;

/** Hears all Sentinels of a set by subscriptions of its own. */
export class SentinelEvents {
  /** `at`: `performance.now()`. @type {{ at: number, name: string, text: string }[]} */
  all = [];
  #sockets;

  /** @param {readonly import("./redis-server.mjs").RedisServer[]} sentinels @param {string} [password] */
  constructor(sentinels, password) {
    this.#sockets = sentinels.map(({ path }) => {
      const socket = connect({ path });
      const login = password === undefined ? [] : [["AUTH", password]];
      socket.on("error", () => {});
      socket.on("connect", () => socket.write([...login, ["PSUBSCRIBE", "*"]].map(encode).join("")));
      socket.on("data", (chunk) => {
        for (const [, name = "", text = ""] of chunk.toString().matchAll(ANNOUNCED))
          this.all.push({ at: performance.now(), name, text });
      });
      return socket;
    });
  }

  /** When this was first said after a moment, or undefined. @param {string} name @param {number} [after] */
  at(name, after = 0) {
    return this.all.find((event) => event.name === name && event.at >= after)?.at;
  }

  stop() {
    for (const socket of this.#sockets) socket.destroy();
  }
}
