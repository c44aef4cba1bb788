/** A Sentinel whose answers are a script, which the test changes while it runs. Counts what it is asked. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { encode, readReply } from "../../src/resp.js";

export interface Place {
  readonly host?: string;
  readonly port: number;
}

/** What it says. Everything that is left out is as with a Sentinel that is well and watches one master. */
export interface Script {
  /** The master it names; `null`: it knows none of that name. */
  master?: Place | null;
  epoch?: number | undefined;
  /** How many other Sentinels it knows. */
  others?: number;
  /** Accepts connections and says nothing. */
  isFrozen?: boolean;
  /** Answers every question with this error. */
  error?: string | undefined;
  /** Wants this password. */
  password?: string;
  /** The names that it does know. */
  names?: readonly string[];
  replicas?: readonly (Place & { readonly flags?: string })[];
  peers?: readonly Place[];
  /** Milliseconds before each answer. */
  delay?: number;
}

export class ScriptedSentinel implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly script: Script;
  /** Refuses subscriptions with this error. */
  refuses: string | undefined = undefined;
  /** Connections that it has accepted. */
  accepted = 0;
  /** Questions for an address or for replicas. */
  asked = 0;
  readonly #sockets = new Set<Socket>();
  readonly #subscribers = new Set<Socket>();
  readonly #server = createServer((socket) => this.#accept(socket));

  constructor(script: Script) {
    this.script = script;
  }

  async start(): Promise<this> {
    this.#server.listen(0, this.host);
    await once(this.#server, "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: this.host, port: this.port };
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Connections that are subscribed. */
  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** Tells its subscribers of a failover, and names the new master from now on. */
  announce(name: string, from: Place, to: Place): void {
    this.script.master = to;
    if (this.script.epoch !== undefined) this.script.epoch++;
    const text = [name, from.host ?? this.host, from.port, to.host ?? this.host, to.port].join(" ");
    this.tell("+switch-master", text);
  }

  /** Sends a message to its subscribers. */
  tell(channel: string, text: string): void {
    for (const socket of this.#subscribers) socket.write(encode(["message", channel, text]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    this.accepted++;
    this.#sockets.add(socket);
    let data = Buffer.alloc(0);
    let isIn = this.script.password === undefined;
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#subscribers.delete(socket);
    });
    socket.on("data", (chunk) => {
      data = Buffer.concat([data, chunk]);
      for (let command = readReply(data, 0); command !== undefined; command = readReply(data, 0)) {
        data = data.subarray(command.next);
        if (this.script.isFrozen === true) continue;
        const words = (command.value as readonly string[]).map(String);
        const answer =
          isIn || words[0]?.toUpperCase() === "AUTH"
            ? this.#answer(words, socket)
            : "-NOAUTH Authentication required.\r\n";
        if (words[0]?.toUpperCase() === "AUTH") isIn ||= answer.startsWith("+");
        if (this.script.delay === undefined) socket.write(answer);
        else setTimeout(() => socket.write(answer), this.script.delay);
      }
    });
  }

  #answer([name = "", sub = "", ...rest]: readonly string[], socket: Socket): string {
    const { script } = this;
    switch (`${name} ${sub}`.toLowerCase()) {
      case "sentinel get-master-addr-by-name":
        this.asked++;
        if (script.error !== undefined) return `-${script.error}\r\n`;
        return script.master ? encode([script.master.host ?? this.host, String(script.master.port)]) : "*-1\r\n";
      case "sentinel master":
        if (script.error !== undefined) return `-${script.error}\r\n`;
        return script.epoch === undefined
          ? "-ERR no\r\n"
          : encode(["config-epoch", String(script.epoch), "num-other-sentinels", String(script.others ?? 2)]);
      case "sentinel masters":
        return listOf((script.names ?? []).map((one) => encode(["name", one])));
      case "sentinel sentinels":
        return listOf((script.peers ?? []).map((peer) => this.#node(peer, "sentinel")));
      case "sentinel slaves":
      case "sentinel replicas":
        this.asked++;
        if (script.error !== undefined) return `-${script.error}\r\n`;
        return listOf((script.replicas ?? []).map(({ flags = "slave", ...place }) => this.#node(place, flags)));
    }
    switch (name.toLowerCase()) {
      case "auth":
        if (script.password === undefined) return "-ERR AUTH <password> called without any password configured\r\n";
        return [sub, ...rest].at(-1) === script.password ? "+OK\r\n" : "-WRONGPASS invalid username-password pair\r\n";
      case "ping":
        return this.#subscribers.has(socket) ? encode(["pong", ""]) : "+PONG\r\n";
      case "subscribe":
        if (this.refuses !== undefined) return `-${this.refuses}\r\n`;
        this.#subscribers.add(socket);
        return `*3\r\n$9\r\nsubscribe\r\n$${String(sub.length)}\r\n${sub}\r\n:1\r\n`;
      default:
        return "+OK\r\n";
    }
  }

  #node({ host = this.host, port }: Place, flags: string): string {
    return encode(["ip", host, "port", String(port), "flags", flags]);
  }
}

function listOf(items: readonly string[]): string {
  return `*${String(items.length)}\r\n${items.join("")}`;
}

export function startSentinel(script: Script): Promise<ScriptedSentinel> {
  return new ScriptedSentinel(script).start();
}
