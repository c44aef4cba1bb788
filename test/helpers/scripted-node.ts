/** A node of a cluster whose table and silence are a script, which the test changes while it runs. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { readReply } from "../../src/resp.js";

/** Who serves these slots, and who follows, as a node sees it: ports. */
export interface Served {
  readonly slots: readonly [from: number, to: number];
  readonly master: number;
  readonly replicas: readonly number[];
}

export class ScriptedNode implements AsyncDisposable {
  /** What it says of the slots. */
  table: readonly Served[] = [];
  /** The address that it gives for all nodes. */
  host = "127.0.0.1";
  /** Names of the commands of callers that it has read, in lower case. */
  readonly seen: string[] = [];
  /** Names of the commands that it has not answered, and how to, of each connection that it is silent on. */
  readonly #kept = new Map<Socket, { readonly name: string; readonly say: () => void }[]>();
  readonly #sockets = new Set<Socket>();
  #isFrozen = false;
  readonly #server = createServer((socket) => this.#accept(socket));

  async start(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Reads, and says nothing. */
  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#sockets) if (!this.#kept.has(socket)) this.#kept.set(socket, []);
  }

  /** Says what it has kept to itself. `owing`: only on connections that wait for such a command. */
  thaw(owing?: string): void {
    this.#isFrozen = false;
    for (const [socket, kept] of this.#kept) {
      if (owing !== undefined && !kept.some(({ name }) => name === owing)) continue;
      this.#kept.delete(socket);
      for (const { say } of kept) say();
    }
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    if (this.#isFrozen) this.#kept.set(socket, []);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#kept.delete(socket);
    });
    socket.on("error", () => socket.destroy());
    let data = Buffer.alloc(0);
    const session: Session = { queued: undefined };
    socket.on("data", (chunk) => {
      data = Buffer.concat([data, chunk]);
      for (let read = readReply(data, 0); read !== undefined; read = readReply(data, 0)) {
        data = data.subarray(read.next);
        const command = (read.value as readonly unknown[]).map(String);
        const answer = this.#answer(command, session);
        const say = (): void => void socket.write(answer);
        const kept = this.#kept.get(socket);
        if (kept === undefined) say();
        else kept.push({ name: command[0]?.toLowerCase() ?? "", say });
      }
    });
  }

  #answer([name = "", argument = ""]: readonly string[], session: Session): string {
    switch (name.toLowerCase()) {
      case "hello":
        return "-ERR unknown command 'HELLO'\r\n";
      case "info":
        return "$11\r\nloading:0\r\n\r\n";
      case "cluster":
        return argument.toLowerCase() === "slots" ? this.#slots() : "$16\r\ncluster_state:ok\r\n";
      case "client":
      case "readonly":
        return "+OK\r\n";
      case "ping":
        return "+PONG\r\n";
      default:
        this.seen.push(name.toLowerCase());
        return transacted(name.toLowerCase(), session);
    }
  }

  #slots(): string {
    const ranges = this.table.map(({ slots: [from, to], master, replicas }) => {
      const nodes = [master, ...replicas].map(
        (port) =>
          `*3\r\n$${String(this.host.length)}\r\n${this.host}\r\n:${String(port)}\r\n$5\r\n${String(port).padStart(5, "0")}\r\n`,
      );
      return `*${String(nodes.length + 2)}\r\n:${String(from)}\r\n:${String(to)}\r\n${nodes.join("")}`;
    });
    return `*${String(ranges.length)}\r\n${ranges.join("")}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Of one connection: how many commands its MULTI has queued, if it is in one. */
interface Session {
  queued: number | undefined;
}

/** The reply to a command of a caller. */
function transacted(name: string, session: Session): string {
  const { queued } = session;
  if (name === "multi") session.queued = 0;
  else if (name === "exec") session.queued = undefined;
  else if (queued !== undefined) session.queued = queued + 1;
  if (name === "multi") return "+OK\r\n";
  if (queued === undefined) return ":1\r\n";
  return name === "exec" ? `*${String(queued)}\r\n${":1\r\n".repeat(queued)}` : "+QUEUED\r\n";
}
