/**
 * One connection as the server sees it: protocol, database, transaction, watched keys, subscriptions and blocks belong to
 * it and end with it.
 */
import { createHash } from "node:crypto";
import type { Link, Peer } from "../world/network.js";
import { BLOCKING, blockingAttempt, blockOf } from "./blocking.js";
import { COMMANDS, type Scope } from "./commands.js";
import { WrongType } from "./keyspace.js";
import { keysOf } from "./keys.js";
import { refusalText, type Gate } from "./refusals.js";
import {
  encode,
  encodeNilArray,
  Fault,
  OK,
  Pairs,
  plain,
  Push,
  QUEUED,
  RequestParser,
  Simple,
  type Reply,
} from "./resp.js";
import type { Server } from "./server.js";

type Kind = "subscribe" | "psubscribe" | "ssubscribe";

/** What RESP2 allows on a connection that is subscribed. */
const WHILE_SUBSCRIBED = new Set(
  "subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe ping quit reset".split(" "),
);
/** Never put into a MULTI. */
const AT_ONCE = new Set(["multi", "exec", "discard", "watch", "unwatch", "quit", "reset"]);
const BEFORE_AUTH = new Set(["auth", "hello", "quit", "reset"]);

interface Transaction {
  readonly queue: (readonly string[])[];
  isBroken: boolean;
}

interface Block {
  readonly args: readonly string[];
  readonly keys: readonly string[];
  readonly since: number;
  ended: boolean;
}

export class Session implements Peer {
  readonly id: number;
  readonly #server: Server;
  readonly #link: Link;
  readonly #parser = new RequestParser();
  #protocol = 2;
  #database = 0;
  #isIn: boolean;
  #isOver = false;
  /** When the latest reply is made: those after it are not made earlier. */
  #saidAt = 0;
  #transaction: Transaction | undefined = undefined;
  #watched = new Map<string, readonly [database: number, key: string, version: number]>();
  #block: Block | undefined = undefined;
  #inbox: (readonly string[])[] = [];
  /** ASKING, for the next command or transaction; READONLY. */
  #isAsking = false;
  #readsReplica = false;
  readonly #subscriptions: Record<Kind, Set<string>> = {
    subscribe: new Set(),
    psubscribe: new Set(),
    ssubscribe: new Set(),
  };

  constructor(server: Server, link: Link, id: number) {
    this.#server = server;
    this.#link = link;
    this.id = id;
    this.#isIn = server.password === undefined;
  }

  // ---- the connection

  receive(bytes: Buffer): void {
    this.#server.whenRunning(() => {
      if (this.#isOver) return;
      this.#inbox.push(...this.#parser.push(bytes));
      this.#work();
    });
  }

  closed(): void {
    this.#server.whenRunning(() => {
      this.#end();
      this.#link.end();
    });
  }

  cut(): void {
    this.#end();
    this.#link.reset();
  }

  #end(): void {
    this.#isOver = true;
    this.#block = undefined;
    this.#watched.clear();
    this.#server.sessions.delete(this);
  }

  #reply(reply: Reply): void {
    this.#say(encode(reply, this.#protocol));
  }

  #say(text: string): void {
    const { thinks, clock } = this.#server;
    this.#saidAt = Math.max(this.#saidAt, clock.time + thinks);
    if (this.#saidAt <= clock.time) this.#link.reply(text);
    else clock.at(this.#saidAt, () => this.#link.reply(text));
  }

  /** Bytes that nobody asked for. */
  blurt(text: string): void {
    this.#server.note(`${this.#link.name} → unasked ${JSON.stringify(text)}`);
    this.#link.reply(text);
  }

  get link(): Link {
    return this.#link;
  }

  // ---- commands

  #work(): void {
    while (this.#block === undefined && !this.#isOver) {
      const args = this.#inbox.shift();
      if (args === undefined) return;
      this.#handle(args);
    }
  }

  #handle(args: readonly string[]): void {
    const name = (args[0] ?? "").toLowerCase();
    this.#take(name, args);
    if (this.#transaction === undefined && name !== "asking") this.#isAsking = false;
  }

  #take(name: string, args: readonly string[]): void {
    const rest = args.slice(1);
    const refusal = this.#refuse(name, args);
    if (refusal !== undefined) {
      if (this.#transaction !== undefined && !AT_ONCE.has(name)) this.#transaction.isBroken = true;
      if (name === "exec") this.#forget();
      this.#answer(args, refusal);
      return;
    }
    if (this.#transaction !== undefined && !AT_ONCE.has(name)) {
      this.#transaction.queue.push(args);
      this.#answer(args, QUEUED);
      return;
    }
    if (BLOCKING.has(name)) {
      this.#blocking(args);
      return;
    }
    this.#own(name, rest, args);
  }

  #answer(args: readonly string[], reply: Reply): void {
    const [name = "", ...rest] = args;
    this.#server.note(`${this.#link.name} ${name.toUpperCase()}`, () => ` ${shownArgs(rest)}→ ${shownReply(reply)}`);
    this.#reply(reply);
  }

  #refuse(name: string, args: readonly string[]): Fault | undefined {
    if (!this.#isIn && !BEFORE_AUTH.has(name)) return new Fault("NOAUTH Authentication required.");
    const subscribed = Object.values(this.#subscriptions).some((set) => set.size > 0);
    if (subscribed && this.#protocol === 2 && !WHILE_SUBSCRIBED.has(name)) {
      return new Fault(
        `ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      );
    }
    const text = this.#redirect(name, args) ?? refusalText(this.#gate(), name, this.#writes(name));
    return text === undefined ? undefined : new Fault(text);
  }

  /** What a node of a cluster says of keys that it does not serve. */
  #redirect(name: string, args: readonly string[]): string | undefined {
    const { membership, keyspace } = this.#server;
    if (membership === undefined) return undefined;
    const asked = name === "exec" ? (this.#transaction?.queue ?? []) : [args];
    return membership.redirect({
      keys: asked.flatMap(([command = "", ...rest]) => keysOf(command.toLowerCase(), rest)),
      isAsking: this.#isAsking,
      isReading: this.#readsReplica && !this.#writes(name),
      exists: (key) => keyspace.get(0, key) !== undefined,
    });
  }

  #gate(): Gate {
    return { refusal: this.#server.refusing(), isReplica: this.#server.role === "slave" };
  }

  /** Whether a replica refuses it. A script is judged by what it calls. */
  #writes(name: string): boolean {
    if (name === "exec")
      return this.#transaction?.queue.some(([queued = ""]) => this.#writes(queued.toLowerCase())) === true;
    return BLOCKING.has(name) || COMMANDS.get(name)?.writes === true;
  }

  #own(name: string, args: readonly string[], whole: readonly string[]): void {
    switch (name) {
      case "multi":
        if (this.#transaction !== undefined) this.#answer(whole, new Fault("ERR MULTI calls can not be nested"));
        else {
          this.#transaction = { queue: [], isBroken: false };
          this.#answer(whole, OK);
        }
        return;
      case "exec":
        this.#exec(whole);
        return;
      case "discard":
        if (this.#transaction === undefined) this.#answer(whole, new Fault("ERR DISCARD without MULTI"));
        else {
          this.#forget();
          this.#answer(whole, OK);
        }
        return;
      case "watch":
        if (this.#transaction !== undefined) this.#answer(whole, new Fault("ERR WATCH inside MULTI is not allowed"));
        else {
          for (const key of args) this.#watch(key);
          this.#answer(whole, OK);
        }
        return;
      case "unwatch":
        this.#watched.clear();
        this.#answer(whole, OK);
        return;
      case "asking":
      case "readonly":
      case "readwrite":
        if (this.#server.membership === undefined) break;
        if (name === "asking") this.#isAsking = true;
        else this.#readsReplica = name === "readonly";
        this.#answer(whole, OK);
        return;
      case "cluster":
        if (this.#server.membership === undefined) break;
        this.#answer(whole, this.#server.membership.answer(args));
        return;
      case "quit":
        this.#answer(whole, OK);
        this.#end();
        this.#link.end();
        return;
      case "subscribe":
      case "psubscribe":
      case "ssubscribe":
        this.#subscribe(name, args, whole);
        return;
      case "unsubscribe":
      case "punsubscribe":
      case "sunsubscribe":
        this.#unsubscribe(name, args, whole);
        return;
    }
    this.#answer(whole, this.#execute(name, args, undefined));
  }

  // ---- transactions

  #watch(key: string): void {
    const { keyspace } = this.#server;
    const name = `${String(this.#database)}:${key}`;
    if (this.#watched.has(name)) return;
    this.#watched.set(name, [this.#database, key, keyspace.version(this.#database, key)]);
  }

  #forget(): void {
    this.#transaction = undefined;
    this.#watched.clear();
  }

  #exec(whole: readonly string[]): void {
    const transaction = this.#transaction;
    if (transaction === undefined) {
      this.#answer(whole, new Fault("ERR EXEC without MULTI"));
      return;
    }
    const { keyspace } = this.#server;
    const isChanged = [...this.#watched.values()].some(
      ([database, key, version]) => keyspace.version(database, key) !== version,
    );
    this.#forget();
    if (transaction.isBroken) {
      this.#answer(whole, new Fault("EXECABORT Transaction discarded because of previous errors."));
      return;
    }
    if (isChanged) {
      this.#server.note(`${this.#link.name} EXEC → nil: a watched key has changed`);
      this.#say(encodeNilArray(this.#protocol));
      return;
    }
    const number = ++this.#server.transactions;
    const replies = transaction.queue.map((args) => {
      const name = (args[0] ?? "").toLowerCase();
      const rest = args.slice(1);
      if (!BLOCKING.has(name)) return this.#execute(name, rest, number);
      const reply = blockingAttempt(name, rest, this.#scope()) ?? null;
      this.#record(name, rest, reply, number);
      return reply;
    });
    this.#answer(whole, replies);
  }

  // ---- execution

  #scope(): Scope {
    const { keyspace, clock } = this.#server;
    return { keyspace, database: this.#database, now: clock.time };
  }

  #record(name: string, args: readonly string[], reply: Reply, transaction: number | undefined): void {
    this.#server.hooks.executed({
      at: this.#server.clock.time,
      server: this.#server,
      session: this.id,
      database: this.#database,
      name,
      args,
      reply,
      transaction,
      ...(this.#server.replaced === undefined ? {} : { stale: this.#server.replaced }),
    });
  }

  #execute(name: string, args: readonly string[], transaction: number | undefined): Reply {
    const spec = COMMANDS.get(name);
    this.#server.hooks.executing(this.#server, this.#database, name, args, transaction);
    let reply: Reply;
    try {
      reply = spec === undefined ? this.#special(name, args) : spec.run(this.#scope(), args);
    } catch (error) {
      if (!(error instanceof WrongType)) throw error;
      reply = new Fault("WRONGTYPE Operation against a key holding the wrong kind of value");
    }
    if (!(reply instanceof Fault)) this.#record(name, args, reply, transaction);
    return reply;
  }

  #special(name: string, args: readonly string[]): Reply {
    const server = this.#server;
    const [word = "", second = ""] = args;
    switch (name) {
      case "ping":
        if (this.#protocol === 2 && this.#subscriptions.subscribe.size > 0) return ["pong", word];
        return args.length > 0 ? word : new Simple("PONG");
      case "hello":
        return this.#hello(args);
      case "auth": {
        if (server.password === undefined)
          return new Fault(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
          );
        if ((args.at(-1) ?? "") !== server.password)
          return new Fault("WRONGPASS invalid username-password pair or user is disabled.");
        this.#isIn = true;
        return OK;
      }
      case "select": {
        const database = Number(word);
        if (!Number.isInteger(database) || database < 0 || database >= server.databases)
          return new Fault("ERR DB index is out of range");
        if (server.deniesSelect && database !== 0)
          return new Fault("NOPERM this user has no permissions to run the 'select' command");
        this.#database = database;
        return OK;
      }
      case "client":
        return this.#client(word.toLowerCase(), second, args[2] ?? "");
      case "info":
        return `# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n# Clients\r\nmaxclients:10000\r\n# Persistence\r\nloading:${server.refusing()?.code === "LOADING" ? "1" : "0"}\r\n# Replication\r\nrole:${server.role}\r\n`;
      case "role":
        return server.role === "master" ? ["master", 0, []] : ["slave", "127.0.0.1", 6379, "connected", 0];
      case "eval":
      case "evalsha":
        return this.#script(name, args);
      case "script": {
        const action = word.toLowerCase();
        if (action === "load") return this.#load(second);
        if (action === "exists") return args.slice(1).map((sha) => (server.scripts.has(sha) ? 1 : 0));
        if (action === "flush") return server.scriptsFlushed();
        return new Fault("ERR unknown subcommand");
      }
      case "publish":
        return server.publish("message", word, second);
      case "spublish":
        return server.publish("smessage", word, second);
      case "reset":
        this.#forget();
        for (const set of Object.values(this.#subscriptions)) set.clear();
        this.#database = 0;
        this.#protocol = 2;
        this.#isIn = server.password === undefined;
        return new Simple("RESET");
      default:
        return new Fault(`ERR unknown command '${name}', with args beginning with: `);
    }
  }

  #hello(args: readonly string[]): Reply {
    const auth = args.findIndex((word) => word.toUpperCase() === "AUTH");
    const { password } = this.#server;
    if (auth >= 0) {
      if (password !== undefined && args[auth + 2] !== password)
        return new Fault("WRONGPASS invalid username-password pair or user is disabled.");
      this.#isIn = true;
    }
    if (!this.#isIn)
      return new Fault(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
      );
    if (args.length > 0) this.#protocol = Number(args[0]);
    return new Pairs([
      "server",
      "redis",
      "version",
      "7.0.15",
      "proto",
      this.#protocol,
      "id",
      this.id,
      "mode",
      "standalone",
      "role",
      this.#server.role,
      "modules",
      [],
    ]);
  }

  #client(action: string, value: string, how: string): Reply {
    switch (action) {
      case "id":
        return this.id;
      case "getname":
        return "";
      case "unblock":
        return this.#server.unblock(Number(value), how.toUpperCase() === "ERROR");
      case "setinfo":
        // Since Redis 7.2; the model is a 7.0.
        return new Fault("ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.");
      default:
        return OK;
    }
  }

  // ---- scripts

  #load(body: string): string {
    const sha = createHash("sha1").update(body, "latin1").digest("hex");
    this.#server.scripts.set(sha, body);
    return sha;
  }

  /** The scripts of the model are of one form: they call one command with a key and arguments. */
  #script(name: string, args: readonly string[]): Reply {
    const [source = "", count = "0", ...rest] = args;
    const body = name === "eval" ? source : this.#server.scripts.get(source);
    if (body === undefined) return new Fault("NOSCRIPT No matching script. Please use EVAL.");
    if (name === "eval") this.#load(body);
    const called = /redis\.call\('(\w+)', KEYS\[1\]((?:, ARGV\[\d\])*)\)/.exec(body);
    const inner = called?.[1] ?? "";
    const spec = COMMANDS.get(inner);
    if (spec === undefined) return new Fault("ERR Error compiling script");
    if (spec.writes && this.#server.role === "slave") {
      return new Fault("READONLY You can't write against a read only replica. script: f_1, on @user_script:1.");
    }
    const values = rest.slice(Number(count));
    const wanted = (called?.[2] ?? "").split("ARGV").length - 1;
    return spec.run(this.#scope(), [rest[0] ?? "", ...values.slice(0, wanted)]);
  }

  // ---- blocking

  #blocking(args: readonly string[]): void {
    const name = (args[0] ?? "").toLowerCase();
    const rest = args.slice(1);
    let reply: Reply;
    try {
      reply = blockingAttempt(name, rest, this.#scope());
    } catch (error) {
      if (!(error instanceof WrongType)) throw error;
      reply = new Fault("WRONGTYPE Operation against a key holding the wrong kind of value");
    }
    if (reply !== undefined) {
      if (!(reply instanceof Fault)) this.#record(name, rest, reply, undefined);
      this.#answer(args, reply);
      return;
    }
    const { clock } = this.#server;
    const { keys, ms } = blockOf(name, rest);
    const block: Block = { args, keys, since: clock.time, ended: false };
    this.#block = block;
    this.#server.note(`${this.#link.name} ${shown(args)} blocks`);
    if (ms > 0) {
      clock.after(ms, () => {
        this.#server.whenRunning(() => {
          if (this.#block === block) this.#unblocked(null);
        });
      });
    }
  }

  /** A list that a block waits for may have something now. The oldest block is served first. */
  listChanged(key: string): void {
    const block = this.#block;
    if (block?.keys.includes(key) !== true || block.ended) return;
    block.ended = true;
    // As in Redis, after the command that made the change.
    this.#server.clock.after(0, () => {
      if (this.#block !== block) return;
      block.ended = false;
      const name = (block.args[0] ?? "").toLowerCase();
      const reply = blockingAttempt(name, block.args.slice(1), this.#scope());
      if (reply === undefined) return;
      this.#record(name, block.args.slice(1), reply, undefined);
      this.#unblocked(reply);
    });
  }

  unblock(withError: boolean): boolean {
    if (this.#block === undefined) return false;
    this.#unblocked(withError ? new Fault("UNBLOCKED client unblocked via CLIENT UNBLOCK") : null);
    return true;
  }

  demoted(): void {
    if (this.#block === undefined) return;
    this.#unblocked(
      new Fault("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"),
    );
  }

  /** The keys that it waits for may be served elsewhere by now. */
  redirectBlock(): void {
    const { membership } = this.#server;
    const keys = this.#block?.keys;
    if (membership === undefined || keys === undefined) return;
    // A slot that is on its way is told when it has gone.
    const text = membership.redirect({ keys, isAsking: true, isReading: false, exists: () => true });
    if (text !== undefined) this.#unblocked(new Fault(text));
  }

  #unblocked(reply: Reply): void {
    const args = this.#block?.args ?? [];
    this.#block = undefined;
    if (reply === null) {
      this.#server.note(`${this.#link.name} ${shown(args)} → nil`);
      const isMove = (args[0] ?? "").toLowerCase() === "brpoplpush" || (args[0] ?? "").toLowerCase() === "blmove";
      this.#say(isMove ? encode(null, this.#protocol) : encodeNilArray(this.#protocol));
    } else this.#answer(args, reply);
    this.#work();
  }

  // ---- publishing

  #count(kind: Kind): number {
    const { subscribe, psubscribe, ssubscribe } = this.#subscriptions;
    return kind === "ssubscribe" ? ssubscribe.size : subscribe.size + psubscribe.size;
  }

  #subscribe(kind: Kind, channels: readonly string[], whole: readonly string[]): void {
    this.#server.note(`${this.#link.name} ${shown(whole)}`);
    for (const channel of channels) {
      this.#subscriptions[kind].add(channel);
      this.#reply(new Push([kind, channel, this.#count(kind)]));
    }
  }

  #unsubscribe(name: string, channels: readonly string[], whole: readonly string[]): void {
    const kind = name.replace("un", "") as Kind;
    this.#server.note(`${this.#link.name} ${shown(whole)}`);
    const gone = channels.length > 0 ? channels : [...this.#subscriptions[kind]];
    if (gone.length === 0) this.#reply(new Push([name, null, this.#count(kind)]));
    for (const channel of gone) {
      this.#subscriptions[kind].delete(channel);
      this.#reply(new Push([name, channel, this.#count(kind)]));
    }
  }

  published(kind: "message" | "smessage", channel: string, message: string): number {
    let heard = 0;
    const own: Kind = kind === "message" ? "subscribe" : "ssubscribe";
    if (this.#subscriptions[own].has(channel)) {
      this.#reply(new Push([kind, channel, message]));
      heard++;
    }
    if (kind === "smessage") return heard;
    for (const pattern of this.#subscriptions.psubscribe) {
      if (!channel.startsWith(pattern.replace("*", ""))) continue;
      this.#reply(new Push(["pmessage", pattern, channel, message]));
      heard++;
    }
    return heard;
  }
}

function shown([name = "", ...rest]: readonly string[]): string {
  return `${name.toUpperCase()} ${shownArgs(rest)}`.trimEnd();
}

/** With a space behind each. */
function shownArgs(args: readonly string[]): string {
  const words = args.slice(0, 6).map((word) => `${word.length > 24 ? `${word.slice(0, 21)}…` : word} `);
  return words.join("") + (args.length > 6 ? "… " : "");
}

function shownReply(reply: Reply): string {
  const text = JSON.stringify(plain(reply));
  return text.length > 70 ? `${text.slice(0, 67)}…` : text;
}
