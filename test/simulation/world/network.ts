/**
 * The network between the client's process and the servers: names that are looked up, connections that are made, and links
 * on which bytes travel, late, in pieces, in part or not at all. It knows bytes and no commands. Every link keeps the order
 * of its bytes; what arrives at a server is in the order of arrival, whatever the link.
 */
import { isIP } from "node:net";
import type { Random } from "../random.js";
import type { VirtualClock } from "./clock.js";
import { SimSocket, type Line } from "./socket.js";
import type { Timeline } from "./timeline.js";

/** Bytes that may be under way before a socket is told to wait. */
const WINDOW = 256 * 1024;

export interface Conditions {
  /** One way, in milliseconds. */
  latency: number;
  /** Added at random, up to this. Less than `latency`, so that a connection made later does not overtake. */
  jitter: number;
  /** How long a look-up of a name takes. */
  dns: number;
  /** Bytes of a reply that arrive together, at most; with `drip` milliseconds between two pieces. */
  piece: number;
  drip: number;
}

/** The server's side of one connection. */
export interface Peer {
  receive(bytes: Buffer): void;
  /** The client has closed its side, or the connection is gone. */
  closed(): void;
}

/** What accepts connections at an address. */
export interface Host {
  readonly address: string;
  /** `"up"` accepts; `"refuse"` answers with a reset; `"deaf"` does not answer. */
  readonly door: "up" | "refuse" | "deaf";
  /** Its share of the latency: the way to some servers is shorter. */
  readonly nearness: number;
  accept(link: Link): Peer;
}

export class Network {
  readonly conditions: Conditions;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly timeline: Timeline;
  /** Where each name leads now. */
  readonly names = new Map<string, Host>();
  readonly links = new Set<Link>();
  readonly sockets = new Set<SimSocket>();
  /** What the next look-ups find, instead of an address. */
  dnsError: string | undefined = undefined;
  /** No packet gets through to anybody new. */
  isDark = false;
  #made = 0;

  constructor(clock: VirtualClock, random: Random, timeline: Timeline, conditions: Conditions) {
    this.clock = clock;
    this.random = random;
    this.timeline = timeline;
    this.conditions = { ...conditions };
  }

  delay({ nearness }: Pick<Host, "nearness">): number {
    const { latency, jitter } = this.conditions;
    return (latency + this.random.next() * jitter) * nearness;
  }

  dial(name: string, port: number): SimSocket {
    const socket = new SimSocket(++this.#made, this.clock);
    this.sockets.add(socket);
    socket.once("close", () => this.sockets.delete(socket));
    const who = `#${String(socket.id)}`;
    const address = isIP(name) > 0 ? this.names.get(name) : undefined;
    if (address !== undefined) {
      this.timeline.note("network", `${who} dials ${name}`);
      this.clock.after(this.delay(address), () => this.#arrivesAt(socket, address, port));
      return socket;
    }
    this.timeline.note("network", `${who} looks up ${name}`);
    this.clock.after(this.conditions.dns, () => {
      if (socket.destroyed) return;
      const host = this.names.get(name);
      if (this.dnsError !== undefined || host === undefined) {
        const code = this.dnsError ?? "ENOTFOUND";
        this.timeline.note("network", `${who} name not found (${code})`);
        this.#fails(socket, failure(`getaddrinfo ${code} ${name}`, code, "getaddrinfo", { hostname: name }));
        return;
      }
      this.clock.after(this.delay(host), () => this.#arrivesAt(socket, host, port));
    });
    return socket;
  }

  /** Where a name leads, for whoever dials by address. */
  lookUp(name: string, told: (error: Error | null, address?: string) => void): void {
    this.timeline.note("network", `looks up ${name}`);
    this.clock.after(isIP(name) > 0 ? 0 : this.conditions.dns, () => {
      const host = this.names.get(name);
      const code = isIP(name) > 0 ? undefined : (this.dnsError ?? (host === undefined ? "ENOTFOUND" : undefined));
      this.clock.arrive(() => {
        if (code === undefined) told(null, host?.address ?? name);
        else told(failure(`getaddrinfo ${code} ${name}`, code, "getaddrinfo", { hostname: name }));
      });
    });
  }

  #arrivesAt(socket: SimSocket, host: Host, port: number): void {
    if (socket.destroyed) return;
    const who = `#${String(socket.id)}`;
    if (this.isDark || host.door === "deaf") {
      this.timeline.note("network", `${who} gets no answer from ${host.address}`);
      return;
    }
    if (host.door === "refuse") {
      this.timeline.note("network", `${who} is refused by ${host.address}`);
      const text = `connect ECONNREFUSED ${host.address}:${String(port)}`;
      const error = failure(text, "ECONNREFUSED", "connect", { address: host.address, port });
      this.clock.after(this.delay(host), () => this.#fails(socket, error));
      return;
    }
    const link = new Link(this, socket, host);
    this.links.add(link);
    socket.plug(link);
    this.timeline.note("network", `${who} is connected to ${host.address}`);
    link.accepted(port);
    link.peer = host.accept(link);
  }

  #fails(socket: SimSocket, error: Error): void {
    this.clock.arrive(() => void socket.destroy(error));
  }
}

export class Link implements Line {
  readonly network: Network;
  readonly socket: SimSocket;
  readonly host: Host;
  /** Bytes in this direction get lost from now on. */
  isDeafUp = false;
  isDeafDown = false;
  /** The connection is reset once so many more bytes have passed in that direction. */
  resetAfterUp = Infinity;
  resetAfterDown = Infinity;
  /** Who accepted it. */
  peer: Peer | undefined = undefined;
  #isGone = false;
  #isEnded = false;
  #upAt = 0;
  #downAt = 0;
  #underWay = 0;
  #waiting: (() => void) | undefined = undefined;

  constructor(network: Network, socket: SimSocket, host: Host) {
    this.network = network;
    this.socket = socket;
    this.host = host;
  }

  get name(): string {
    return `#${String(this.socket.id)}`;
  }

  get isOpen(): boolean {
    return !this.#isGone;
  }

  /** The client hears of it before anything that the server says, or does, from here on. */
  accepted(port: number): void {
    this.#down(() => this.network.clock.arrive(() => this.socket.connected(this.host.address, port)));
  }

  // ---- from the client

  send(chunk: Buffer, taken: (error?: Error) => void): void {
    if (this.#isGone) {
      taken(failure("write EPIPE", "EPIPE", "write"));
      return;
    }
    this.#underWay += chunk.length;
    if (this.#underWay > WINDOW) this.#waiting = () => taken();
    else taken();
    this.#up(() => this.#arrive(chunk));
  }

  closed(destroyed: boolean): void {
    if (this.#isGone || (this.#isEnded && !destroyed)) return;
    if (this.#isEnded) {
      this.#up(() => this.#gone());
      return;
    }
    this.#isEnded = true;
    this.network.timeline.note("network", `${this.name} closed by the client${destroyed ? "" : " (end)"}`);
    this.#up(() => {
      if (this.isDeafUp || this.#isGone) return;
      // After a mere end the server closes its side too, once it has read so far.
      if (destroyed) this.#gone();
      this.peer?.closed();
    });
  }

  #up(act: () => void): void {
    const { clock } = this.network;
    this.#upAt = Math.max(this.#upAt, clock.time + this.network.delay(this.host));
    clock.at(this.#upAt, act);
  }

  #arrive(chunk: Buffer): void {
    if (this.#isGone || this.isDeafUp) return;
    if (chunk.length >= this.resetAfterUp) {
      const part = chunk.subarray(0, this.resetAfterUp);
      this.network.timeline.note("network", `${this.name} reset after ${String(part.length)} bytes of a request`);
      if (part.length > 0) this.peer?.receive(part);
      this.reset();
      return;
    }
    this.resetAfterUp -= chunk.length;
    this.#underWay -= chunk.length;
    if (this.#waiting !== undefined && this.#underWay <= WINDOW) {
      this.network.clock.arrive(this.#waiting);
      this.#waiting = undefined;
    }
    this.peer?.receive(chunk);
  }

  // ---- from the server

  reply(text: string): void {
    if (this.#isGone) return;
    const { piece, drip } = this.network.conditions;
    for (let at = 0; at < text.length; at += piece) {
      const part = text.slice(at, at + piece);
      if (at > 0) this.#downAt += drip;
      this.#down(() => this.#deliver(Buffer.from(part, "latin1")));
    }
  }

  #deliver(bytes: Buffer): void {
    if (this.#isGone || this.isDeafDown) return;
    if (bytes.length >= this.resetAfterDown) {
      const part = bytes.subarray(0, this.resetAfterDown);
      this.network.timeline.note("network", `${this.name} reset after ${String(part.length)} bytes of a reply`);
      if (part.length > 0) this.network.clock.arrive(() => this.socket.incoming(part));
      this.reset();
      return;
    }
    this.resetAfterDown -= bytes.length;
    this.network.clock.arrive(() => this.socket.incoming(bytes));
  }

  /** The server closes in good order, after what it has said. */
  end(): void {
    if (this.#isGone) return;
    this.network.timeline.note("network", `${this.name} closed by the server`);
    this.#down(() => {
      if (this.isDeafDown) return;
      this.#gone();
      this.network.clock.arrive(() => this.socket.ended());
    });
  }

  #down(act: () => void): void {
    const { clock } = this.network;
    this.#downAt = Math.max(this.#downAt, clock.time + this.network.delay(this.host));
    clock.at(this.#downAt, () => {
      if (!this.#isGone) act();
    });
  }

  // ---- from fate

  /** Both ends learn at once that the connection is gone; what was under way is lost. */
  reset(): void {
    if (this.#isGone) return;
    this.#gone();
    this.peer?.closed();
    this.network.clock.arrive(() => void this.socket.destroy(failure("read ECONNRESET", "ECONNRESET", "read")));
  }

  #gone(): void {
    this.#isGone = true;
    this.network.links.delete(this);
  }
}

function failure(message: string, code: string, syscall: string, more: object = {}): Error {
  return Object.assign(new Error(message), { errno: -1, code, syscall, ...more });
}
