/**
 * One Sentinel of a set: what it believes of the master, and how it says so. It elects nobody: fate decides who is promoted,
 * and when each Sentinel hears of it.
 */
import type { VirtualClock } from "../world/clock.js";
import type { Host, Link, Peer } from "../world/network.js";
import { Process } from "../world/process.js";
import type { Timeline } from "../world/timeline.js";
import { encode, Fault, Push, RequestParser, Simple, type Reply } from "../server/resp.js";

const SENTINEL_PORT = "26379";
const PORT = "6379";
/** A new master is named at once by whoever conducts the failover, and announced when the replicas follow. Milliseconds. */
const ANNOUNCED_AFTER = 1_000;

export class Sentinel extends Process implements Host {
  readonly address: string;
  readonly set: string;
  readonly clock: VirtualClock;
  readonly timeline: Timeline;
  readonly listeners = new Set<Conversation>();
  door: Host["door"] = "up";
  readonly nearness = 1;
  /** The other Sentinels of the set. */
  peers: readonly Sentinel[] = [];
  master: string;
  replica: string;
  epoch = 0;

  constructor(
    address: string,
    set: string,
    servers: readonly [master: string, replica: string],
    timeline: Timeline,
    clock: VirtualClock,
  ) {
    super();
    this.address = address;
    this.set = set;
    [this.master, this.replica] = servers;
    this.timeline = timeline;
    this.clock = clock;
  }

  note(text: string): void {
    this.timeline.note("server", `${this.address} ${text}`);
  }

  accept(link: Link): Peer {
    return new Conversation(this, link);
  }

  /** Its process is there, and goes on. */
  override thaw(): void {
    this.door = "up";
    super.thaw();
  }

  /** Hears that this one is the master now. `conducts`: it has made it so itself. */
  hear(master: string, epoch: number, conducts = false): void {
    this.whenRunning(() => {
      if (epoch <= this.epoch) return;
      const old = this.master;
      this.epoch = epoch;
      this.master = master;
      if (old === master) return;
      this.replica = old;
      this.note(`names ${master} from now on (epoch ${String(epoch)})`);
      const announce = (): void => {
        this.whenRunning(() => {
          if (this.epoch === epoch) this.#tell("+switch-master", `${this.set} ${old} ${PORT} ${master} ${PORT}`);
        });
      };
      if (!conducts) announce();
      else {
        this.#tell("+promoted-slave", `slave ${master}:${PORT} ${master} ${PORT} @ ${this.set} ${old} ${PORT}`);
        this.clock.after(ANNOUNCED_AFTER, announce);
      }
    });
  }

  #tell(channel: string, text: string): void {
    for (const listener of [...this.listeners]) listener.published(channel, text);
  }
}

/** A connection to a Sentinel. */
class Conversation implements Peer {
  readonly #sentinel: Sentinel;
  readonly #link: Link;
  readonly #parser = new RequestParser();
  readonly #channels = new Set<string>();

  constructor(sentinel: Sentinel, link: Link) {
    this.#sentinel = sentinel;
    this.#link = link;
  }

  receive(bytes: Buffer): void {
    this.#sentinel.whenRunning(() => {
      for (const args of this.#parser.push(bytes)) {
        this.#sentinel.note(`${this.#link.name} ${args.join(" ")}`);
        for (const reply of this.#replies(args)) this.#link.reply(encode(reply, 2));
      }
    });
  }

  closed(): void {
    this.#sentinel.listeners.delete(this);
    this.#link.end();
  }

  published(channel: string, text: string): void {
    if (!this.#channels.has(channel)) return;
    this.#sentinel.note(`${this.#link.name} → ${channel} ${text}`);
    this.#link.reply(encode(new Push(["message", channel, text]), 2));
  }

  #replies([name = "", ...args]: readonly string[]): readonly Reply[] {
    switch (name.toLowerCase()) {
      case "ping":
        return this.#channels.size > 0 ? [["pong", ""]] : [new Simple("PONG")];
      case "subscribe":
        this.#sentinel.listeners.add(this);
        return args.map((channel) => {
          this.#channels.add(channel);
          return new Push(["subscribe", channel, this.#channels.size]);
        });
      case "sentinel":
        return [this.#answer(args)];
      default:
        return [new Fault(`ERR unknown command '${name}', with args beginning with: `)];
    }
  }

  #answer([question = "", name = ""]: readonly string[]): Reply {
    const { set, master, replica, peers } = this.#sentinel;
    const isKnown = name === set;
    switch (question.toLowerCase()) {
      case "get-master-addr-by-name":
        return isKnown ? [master, PORT] : null;
      case "masters":
        return [this.#master()];
      case "master":
        return isKnown ? this.#master() : NO_SUCH_MASTER;
      case "slaves":
      case "replicas":
        return isKnown
          ? [["name", `${replica}:${PORT}`, "ip", replica, "port", PORT, "flags", "slave"]]
          : NO_SUCH_MASTER;
      case "sentinels":
        return isKnown
          ? peers.map(({ address }) => ["name", address, "ip", address, "port", SENTINEL_PORT, "flags", "sentinel"])
          : NO_SUCH_MASTER;
      default:
        return new Fault("ERR Unknown sentinel subcommand");
    }
  }

  #master(): Reply {
    const { set, master, epoch, peers } = this.#sentinel;
    const others = String(peers.length);
    return [
      "name",
      set,
      "ip",
      master,
      "port",
      PORT,
      "flags",
      "master",
      "num-other-sentinels",
      others,
      "config-epoch",
      String(epoch),
    ];
  }
}

const NO_SUCH_MASTER = new Fault("ERR No such master with that name");
