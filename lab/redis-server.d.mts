import type { Reply } from "./resp.mjs";

export interface RedisOptions {
  /** Extra command-line arguments, e.g. `["--maxclients", "5"]`. */
  readonly args?: readonly string[];
  /** Fixed TCP port; `0` switches plain TCP off. Default: a free loopback port. */
  readonly port?: number;
  /** Paths of PEM files; opens a TLS port beside the plain one. See `makeCertificates`. */
  readonly tls?: {
    readonly cert: string;
    readonly key: string;
    readonly ca: string;
    /** Ask clients for a certificate. Default false. */
    readonly clientAuth?: boolean;
    readonly port?: number;
  };
  /** Path of the unix socket. Default: one in the server's own folder. */
  readonly unixSocket?: string;
  /** Lines for redis.conf. */
  readonly config?: readonly string[];
  /** `user …` lines. `cli` and `call` keep working: they log in as a user of their own. */
  readonly acl?: readonly string[];
  /** Sets `requirepass`. */
  readonly password?: string;
  /** `aof`: every write is on disk before it is acknowledged, and survives `kill` and `restart`. Default: nothing is kept. */
  readonly persistence?: "none" | "aof";
  /** `answering` (default) waits until the data is loaded; `accepting` returns while the server still says LOADING. */
  readonly waitFor?: "answering" | "accepting";
}

export interface RedisServer {
  readonly host: string;
  readonly port: number;
  readonly tlsPort: number | undefined;
  /** Unix socket. */
  readonly path: string;
  /** The server's own folder; removed by `stop`. */
  readonly dir: string;
  /** 0 while it is not running. Changes with `restart`. */
  readonly pid: number;
  readonly running: boolean;
  /** What the server printed so far. */
  log(): string;
  /** Runs one command as administrator, out of band; an error reply rejects. */
  call(...command: readonly (string | number)[]): Promise<Reply>;
  /** The same as text: arrays one item a line, null as the empty string. */
  cli(...command: readonly (string | number)[]): Promise<string>;
  /** SIGKILL, waits for the exit, removes the folder. */
  stop(): Promise<void>;
  /** SIGKILL, and waits for the exit. `restart` brings it back. */
  kill(): Promise<void>;
  /** Kills if need be, then starts again on the same port. Data is lost unless `persistence` is `aof`. */
  restart(): Promise<void>;
  /** SIGSTOP: the kernel still accepts connections, nobody answers. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Path or name of the server binary: `REDIS_SERVER` or `redis-server`. */
export declare const REDIS_SERVER: string;

/** Version of the installed redis-server, e.g. `7.0.15`. */
export declare function redisVersion(): string;

/** Starts a redis-server and resolves when it answers. It dies with this process in any case. */
export declare function startRedis(options?: RedisOptions): Promise<RedisServer>;
