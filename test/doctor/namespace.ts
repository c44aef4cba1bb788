/**
 * A network namespace with a redis-server in it, joined to this machine by a pair of virtual interfaces: a second machine,
 * as far as the network is concerned. Needs root, iproute2 and iptables.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { promisify } from "node:util";
import { eventually } from "../helpers/eventually.js";
import { REDIS_SERVER } from "../helpers/redis-server.js";

const run = promisify(execFile);

export class Namespace {
  readonly name: string;
  /** The address inside, and this machine's end of the cable. */
  readonly address: string;
  readonly outside: string;
  readonly #cable: string;
  readonly #servers: ChildProcess[] = [];

  private constructor() {
    const id = (process.pid * 7 + Math.floor(Math.random() * 16_384)) % 16_384;
    const net = `10.213.${String(id >> 6)}`;
    const base = (id & 63) * 4;
    this.name = `dn${String(id)}`;
    this.#cable = `dn${String(id)}v`;
    this.outside = `${net}.${String(base + 1)}`;
    this.address = `${net}.${String(base + 2)}`;
  }

  static async create(): Promise<Namespace> {
    for (let tries = 1; ; tries++) {
      const space = new Namespace();
      try {
        await run("ip", ["netns", "add", space.name]);
      } catch (error) {
        // Somebody else drew the same number
        if (tries >= 5) throw error;
        continue;
      }
      await space.#join();
      return space;
    }
  }

  async #join(): Promise<void> {
    const { name } = this;
    const cable = this.#cable;
    await run("ip", ["link", "add", `${cable}0`, "type", "veth", "peer", "name", `${cable}1`]);
    await run("ip", ["link", "set", `${cable}1`, "netns", name]);
    await run("ip", ["addr", "add", `${this.outside}/30`, "dev", `${cable}0`]);
    await run("ip", ["link", "set", `${cable}0`, "up"]);
    await this.inside("ip", "addr", "add", `${this.address}/30`, "dev", `${cable}1`);
    await this.inside("ip", "link", "set", `${cable}1`, "up");
    await this.inside("ip", "link", "set", "lo", "up");
  }

  /** Runs a tool inside. */
  async inside(command: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await run("ip", ["netns", "exec", this.name, command, ...args]);
    return stdout;
  }

  /** A redis-server inside that keeps nothing, up when this resolves. Returns its pid. */
  async startRedis(port: number, ...args: readonly string[]): Promise<number> {
    const bind = args.includes("--bind") ? [] : ["--bind", "0.0.0.0"];
    const server = spawn(
      "ip",
      [
        "netns",
        "exec",
        this.name,
        REDIS_SERVER,
        "--port",
        String(port),
        "--save",
        "",
        "--dir",
        "/tmp",
        ...bind,
        ...args,
      ],
      { stdio: "ignore" },
    );
    this.#servers.push(server);
    await eventually(
      async () => {
        const listening = await this.inside("ss", "-ltnH", `sport = :${String(port)}`);
        if (listening.trim() === "") throw new Error("not listening yet");
      },
      { withinMs: 20_000 },
    );
    return server.pid ?? 0;
  }

  /** Whether a TCP connection from outside succeeds: the ground's own proof that a rule works. */
  reaches(port: number, timeout: number = 300): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: this.address, port });
      const finish = (reached: boolean): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(reached);
      };
      const timer = setTimeout(finish, timeout, false);
      socket.once("connect", () => finish(true)).once("error", () => finish(false));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      if (server.exitCode === null && server.kill("SIGKILL")) await ended;
    }
    await run("ip", ["link", "del", `${this.#cable}0`]);
    await run("ip", ["netns", "del", this.name]);
  }
}
