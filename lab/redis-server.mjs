/**
 * Starts, kills, freezes and restarts real redis-server processes on free loopback ports, each in a folder of its own.
 * It looks at them through a private unix socket, so that no look is seen, delayed or refused by what a test does to TCP.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.mjs";
import { reapLater, spare } from "./reaper.mjs";
import { exchange } from "./resp.mjs";

/** Who `cli` logs in as when the server asks for a password. */
const ADMIN = { name: "lab", password: "lab-admin" };
const LOG_LIMIT = 1_000_000;
const START_TIMEOUT = 20_000;

/** Path or name of the server binary: `REDIS_SERVER` or `redis-server`. */
export const REDIS_SERVER = process.env["REDIS_SERVER"] ?? "redis-server";

/**
 * @typedef {object} RedisOptions
 * @property {readonly string[]} [args] extra command-line arguments, e.g. `["--maxclients", "5"]`
 * @property {number} [port] fixed TCP port; `0` switches plain TCP off. Default: a free loopback port
 * @property {TlsOptions} [tls] opens a TLS port beside the plain one
 * @property {string} [unixSocket] path of the unix socket. Default: one in the server's own folder
 * @property {readonly string[]} [config] lines for redis.conf
 * @property {readonly string[]} [acl] `user …` lines. `cli` and `call` keep working: they log in as a user of their own
 * @property {string} [password] sets `requirepass`
 * @property {"none" | "aof"} [persistence] `aof`: every write is on disk before it is acknowledged, and survives `kill` and
 *   `restart`. Default: nothing is kept
 * @property {"answering" | "accepting"} [waitFor] `answering` (default) waits until the data is loaded; `accepting` returns
 *   while the server still says LOADING
 *
 * @typedef {import("./tls.mjs").KeyPair & { readonly clientAuth?: boolean, readonly port?: number }} TlsOptions
 *   `clientAuth`: ask clients for a certificate, default false.
 */

/** @type {string | undefined} */
let version;

/** Version of the installed redis-server, e.g. `7.0.15`. */
export function redisVersion() {
  version ??= /v=(\d+\.\d+\.\d+)/.exec(execFileSync(REDIS_SERVER, ["--version"], { encoding: "utf8" }))?.[1] ?? "0.0.0";
  return version;
}

/**
 * Starts a redis-server and resolves when it answers. It dies with this process in any case.
 * @param {RedisOptions} [options]
 */
export async function startRedis(options = {}) {
  for (let tries = 1; ; tries++) {
    const server = new RedisServer(
      options,
      options.port ?? (await freePort()),
      options.tls && (options.tls.port ?? (await freePort())),
    );
    try {
      await server.launch();
      return server;
    } catch (error) {
      const lostRace = options.port === undefined && server.log().includes("Address already in use");
      await server.stop();
      if (!lostRace || tries >= 5) throw error;
    }
  }
}

export class RedisServer {
  /** Where it listens. @readonly */
  host = "127.0.0.1";
  #options;
  #dir = mkdtempSync(join(tmpdir(), "lab-redis-"));
  #guarded;
  #log = "";
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #child;
  /** @type {Promise<void>} */
  #exited = Promise.resolve();

  /**
   * @param {RedisOptions} options
   * @param {number} port
   * @param {number | undefined} tlsPort
   */
  constructor(options, port, tlsPort) {
    this.#options = options;
    /** Of plain TCP; 0 if it has none. @readonly */
    this.port = port;
    /** Of TLS; `undefined` without `tls`. @readonly */
    this.tlsPort = tlsPort;
    /** Unix socket. @readonly */
    this.path = options.unixSocket ?? join(this.#dir, "redis.sock");
    const given = [...(options.config ?? []), ...(options.args ?? [])].join(" ");
    this.#guarded = options.password !== undefined || options.acl !== undefined || given.includes("requirepass");
    writeFileSync(join(this.#dir, "redis.conf"), this.#config());
  }

  /** 0 while it is not running. Changes with `restart`. */
  get pid() {
    return this.#child?.pid ?? 0;
  }

  /** The server's own folder; removed by `stop`. */
  get dir() {
    return this.#dir;
  }

  /** Whether the process lives, frozen or not. */
  get running() {
    return this.#child !== undefined;
  }

  #config() {
    const { tls, persistence, password, acl = [], config = [] } = this.#options;
    const lines = [
      "bind 127.0.0.1",
      `port ${this.port}`,
      `dir ${this.#dir}`,
      `unixsocket ${this.path}`,
      'save ""',
      persistence === "aof" ? "appendonly yes\nappendfsync always" : "appendonly no",
      "daemonize no",
    ];
    // DEBUG is off by default since Redis 7; tests want DEBUG SLEEP, and the option is unknown before.
    if (Number.parseInt(redisVersion(), 10) >= 7) lines.push("enable-debug-command local");
    if (tls) {
      lines.push(
        `tls-port ${this.tlsPort}`,
        `tls-cert-file ${tls.cert}`,
        `tls-key-file ${tls.key}`,
        `tls-ca-cert-file ${tls.ca}`,
      );
      lines.push(`tls-auth-clients ${tls.clientAuth ? "yes" : "no"}`);
    }
    if (password !== undefined) lines.push(`requirepass ${JSON.stringify(password)}`);
    if (this.#guarded) lines.push(`user ${ADMIN.name} on >${ADMIN.password} ~* &* +@all`);
    return [...lines, ...acl, ...config, ""].join("\n");
  }

  async launch() {
    const child = spawn(REDIS_SERVER, [join(this.#dir, "redis.conf"), ...(this.#options.args ?? [])], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    /** @type {Error | undefined} */
    let failed;
    const keep = (/** @type {Buffer} */ chunk) => {
      this.#log = (this.#log + chunk.toString()).slice(-LOG_LIMIT);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    this.#exited = new Promise((resolve) => {
      child.on("error", (error) => {
        failed = error;
        this.#child = undefined;
        resolve();
      });
      child.on("close", () => {
        if (child.pid !== undefined) spare(child.pid);
        if (this.#child === child) this.#child = undefined;
        resolve();
      });
    });
    if (child.pid !== undefined) reapLater(child.pid, this.#dir);
    const until = Date.now() + START_TIMEOUT;
    while (!(await this.#answers())) {
      if (failed) throw new Error(`${REDIS_SERVER} could not be started: ${failed.message}`, { cause: failed });
      if (this.#child !== child)
        throw new Error(`redis-server on port ${this.port} exited while it started:\n${this.#log.slice(-2000)}`);
      if (Date.now() > until)
        throw new Error(
          `redis-server on port ${this.port} gave no answer in ${START_TIMEOUT} ms:\n${this.#log.slice(-2000)}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async #answers() {
    try {
      const [reply] = await exchange({ path: this.path }, [["PING"]], { timeout: 1000 });
      return this.#options.waitFor === "accepting" || !(reply instanceof Error && reply.message.startsWith("LOADING"));
    } catch {
      return false;
    }
  }

  /** What the server printed so far. */
  log() {
    return this.#log;
  }

  /**
   * Runs one command as administrator, out of band; an error reply rejects.
   * @param {(string | number)[]} command
   */
  async call(...command) {
    const login = this.#guarded ? [["AUTH", ADMIN.name, ADMIN.password]] : [];
    const replies = await exchange({ path: this.path }, [...login, command]);
    const reply = replies.at(-1) ?? null;
    if (reply instanceof Error) throw reply;
    return reply;
  }

  /**
   * The same as text: arrays one item a line, null as the empty string.
   * @param {(string | number)[]} command
   */
  async cli(...command) {
    return asText(await this.call(...command));
  }

  /** SIGKILL, waits for the exit, removes the folder. */
  async stop() {
    // Nothing of it is kept: no reason to wait while it finishes a script, waits for replicas or tries to save.
    await this.kill();
    // A snapshot that it was writing may still come from its child.
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  /** SIGKILL, and waits for the exit. `restart` brings it back. */
  async kill() {
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Kills if need be, then starts again on the same port. Data is lost unless `persistence` is `aof`. */
  async restart() {
    await this.kill();
    // A killed server leaves its socket file behind; redis-server removes it itself before it binds.
    for (let tries = 1; ; tries++) {
      try {
        await this.launch();
        return;
      } catch (error) {
        if (tries >= 5 || !this.#log.includes("Address already in use")) throw error;
        await this.kill();
      }
    }
  }

  /** SIGSTOP: the kernel still accepts connections, nobody answers. */
  freeze() {
    this.#child?.kill("SIGSTOP");
  }

  /** SIGCONT. */
  thaw() {
    this.#child?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }
}

/**
 * @param {import("./resp.mjs").Reply} reply
 * @returns {string}
 */
function asText(reply) {
  if (Array.isArray(reply)) return reply.map((item) => asText(/** @type {typeof reply} */ (item))).join("\n");
  return reply === null ? "" : String(reply);
}
