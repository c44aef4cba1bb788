/**
 * A next step is worth its line when it shows the fault that it was offered for. Each command of the catalogue whose programs
 * are on this machine is run here as it would be pasted, against a real server, peer or process in that very state. What
 * cannot be made here says why, and nothing is left out in silence.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis as PlainRedis } from "ioredis";
import { describe, expect, it } from "vitest";
import type { Code } from "../../src/failure/codes.js";
import type { Facts } from "../../src/failure/facts.js";
import { fill, holds, shellQuoted, type Condition } from "../../src/failure/template.js";
import { isHere, toolsIn } from "../../src/failure/tools.js";
import { whyNoIsolation } from "../helpers/abilities.js";
import { eventually } from "../helpers/eventually.js";
import { freePort } from "../helpers/free-port.js";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { startSentinel } from "../helpers/scripted-sentinel.js";
import { makeCertificates } from "../helpers/tls.js";
import { COMMANDS, execute, inTurns, LOCAL, type Command, type Surroundings } from "./steps-harness.js";

/** Something in the state of a fault. */
interface Ground {
  readonly facts?: Partial<Facts>;
  readonly port?: number;
  /** Stand-ins for what only the reader knows: a file, a key, and the port of a server on its own machine. */
  readonly stands?: Readonly<Record<string, string>>;
  readonly surroundings?: Surroundings;
  close(): Promise<unknown>;
}

interface Step {
  readonly code: Code;
  /** How the command's template begins, or the whole of it. */
  readonly step: string;
  /** What it shows at the fault. */
  readonly shows: RegExp | ((text: string, ground: Ground) => boolean);
  readonly facts?: Partial<Facts>;
}

interface Scene {
  readonly name: string;
  readonly open: () => Promise<Ground>;
  readonly steps: readonly Step[];
  /** One after the other, in this order. */
  readonly inOrder?: boolean;
  readonly skip?: string | undefined;
}

function steps(codes: Code | readonly Code[], step: string, shows: Step["shows"], facts?: Partial<Facts>): Step[] {
  return [codes].flat().map((code) => ({ code, step, shows, ...(facts === undefined ? {} : { facts }) }));
}

const NOTHING = /^\s*$/;
const REFUSED = /refused/i;

function redis(server: RedisServer, more: Partial<Ground> = {}): Ground {
  return { port: server.port, close: () => server.stop(), ...more };
}

async function redisAfter(
  options: Parameters<typeof startRedis>[0],
  ...commands: readonly (readonly (string | number)[])[]
): Promise<Ground> {
  const server = await startRedis(options);
  for (const command of commands) await server.call(...command);
  return redis(server);
}

async function tlsServer(which: "valid" | "expired" | "wrongHost" | "foreign", clientAuth = false): Promise<Ground> {
  const certificates = await makeCertificates();
  const server = await startRedis({ tls: { ...certificates[which], clientAuth } });
  const { ca, client } = certificates;
  return {
    facts: { port: server.tlsPort, tls: true },
    stands: {
      "ca.pem": which === "foreign" ? certificates.foreign.ca : ca,
      "client.pem": client.cert,
      "client.key": client.key,
    },
    close: () => Promise.all([server.stop(), certificates.remove()]),
  };
}

async function listener(onConnection: (socket: Socket) => void): Promise<Ground> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, close: () => Promise.resolve(server.close()) };
}

function folder(): string {
  return mkdtempSync(join(tmpdir(), "steps-"));
}

const SCENES: readonly Scene[] = [
  {
    name: "nothing listens",
    open: async () => {
      const port = await freePort();
      const env = { REDIS_URL: `redis://127.0.0.1:${String(port)}` };
      return { port, surroundings: { env }, close: () => Promise.resolve() };
    },
    steps: [
      ...steps(["CONNECTION_REFUSED", "UNAVAILABLE", "CIRCUIT_OPEN", "QUEUE_FULL", "UNKNOWN"], "{cli} ping", REFUSED),
      ...steps("CONNECTION_REFUSED", "ss -ltnp | grep -E", (text, { port }) => !text.includes(`:${String(port)} `)),
      ...steps("UNKNOWN", "npx --no ioredoubt doctor", /CONNECTION_REFUSED/),
    ],
  },
  {
    name: "a server that listens on loopback only",
    open: () => redisAfter({}),
    steps: steps("CONNECTION_REFUSED", "ss -ltnp | grep redis-server", (text, { port }) =>
      text.includes(`127.0.0.1:${String(port)}`),
    ),
  },
  {
    name: "a socket file that is not served",
    open: () => {
      const dir = folder();
      const conf = join(dir, "redis.conf");
      writeFileSync(conf, "port 6379\n");
      const facts = { path: join(dir, "redis.sock"), host: undefined };
      const close = (): Promise<void> => {
        rmSync(dir, { recursive: true });
        return Promise.resolve();
      };
      return Promise.resolve({ facts, stands: { "/etc/redis/redis.conf": conf }, close });
    },
    steps: [
      ...steps(
        ["CONNECTION_REFUSED", "SOCKET_MISSING"],
        "ss -lxp",
        (text, { facts }) => !text.includes(facts?.path ?? "?"),
      ),
      ...steps("SOCKET_MISSING", "grep -E '^unixsocket'", NOTHING),
    ],
  },
  {
    name: "a socket that others may not use",
    open: async () => {
      const server = await startRedis({ config: ["unixsocketperm 700"] });
      return redis(server, { facts: { path: server.path } });
    },
    steps: [
      ...steps("SOCKET_PERMISSION", "ls -l", /^srwx------/),
      ...steps("SOCKET_PERMISSION", "namei -l", /srwx------ .* redis\.sock/),
    ],
  },
  {
    name: "a name that does not exist",
    open: () => Promise.resolve({ facts: { host: "redis.does-not-exist.invalid" }, close: () => Promise.resolve() }),
    steps: [
      ...steps("DNS_NOT_FOUND", "getent hosts {host}", NOTHING),
      ...steps("DNS_NOT_FOUND", "getent hosts redis.NAMESPACE", NOTHING),
      ...steps("CONNECTION_REFUSED", "getent hosts redis", NOTHING),
      ...steps("DNS_TEMPORARY", "time getent hosts", /^\s*real/),
      ...steps("DNS_TEMPORARY", "cat /etc/resolv.conf", /./),
    ],
  },
  {
    name: "a network without a route",
    skip: whyNoIsolation(),
    open: () => Promise.resolve({ facts: { host: "203.0.113.7" }, stands: ISOLATED, close: () => Promise.resolve() }),
    steps: [
      ...steps(["HOST_UNREACHABLE", "NETWORK_UNREACHABLE"], "ip route get", /unreachable/i),
      ...steps("NETWORK_UNREACHABLE", "getent ahosts", /^203\.0\.113\.7/),
    ],
  },
  {
    name: "a frozen server",
    open: async () => {
      const server = await startRedis();
      server.freeze();
      return redis(server);
    },
    steps: [
      ...steps(["DEADLINE", "RESPONSE_TIMEOUT"], "{within}{cli} ping", NOTHING),
      ...steps(["HANDSHAKE_TIMEOUT", "CONNECT_TIMEOUT"], "{within}redis-cli -h {host} -p {port} ping", NOTHING),
      ...steps(
        ["EVENT_LOOP_BLOCKED", "RESPONSE_TIMEOUT"],
        "{within}{cli} --latency",
        (text) => !/\d ms|avg: [\d.]+/.test(text),
      ),
      ...steps(["RESPONSE_TIMEOUT", "HANDSHAKE_TIMEOUT"], "{within}{cli} slowlog", NOTHING),
      ...steps("RESPONSE_TIMEOUT", "{within}{cli} client list", NOTHING),
      ...steps(
        ["HANDSHAKE_TIMEOUT", "CONNECT_TIMEOUT"],
        "ps axo",
        (text, { port }) =>
          text.split("\n").some((line) => /^\s*\d+ T/.test(line) && line.includes("redis-server")) &&
          port !== undefined,
      ),
      ...steps(
        ["CONNECTION_LOST", "CONNECTION_RESET", "OUTCOME_UNKNOWN"],
        "{within}{cli} info server | grep uptime",
        NOTHING,
      ),
    ],
  },
  {
    name: "a server that was slow and has clients who wait",
    open: async () => {
      const server = await startRedis({ config: ["slowlog-log-slower-than 10000"] });
      await server.call("DEBUG", "SLEEP", "0.05");
      const blocked = new PlainRedis({ port: server.port });
      void blocked.blpop("nothing", 0).catch(() => undefined);
      await eventually(async () => expect(await server.cli("CLIENT", "LIST")).toContain("cmd=blpop"));
      return redis(server, { close: () => (blocked.disconnect(), server.stop()) });
    },
    steps: [
      ...steps("DEADLINE", "{within}{cli} slowlog", /debug/i),
      ...steps("DEADLINE", "{within}{cli} --latency", /\d/),
      ...steps("POOL_TIMEOUT", "{within}{cli} client list", /flags=b.*cmd=blpop/),
      ...steps("QUOTA_EXCEEDED", "{cli} info commandstats", /cmdstat_blpop:calls=/),
      ...steps(["CONNECTION_RESET", "CONNECTION_LOST"], "{cli} info stats", /client_output_buffer|evicted_clients/),
      ...steps("CONNECTION_CLOSED_EARLY", "redis-cli info clients", /connected_clients:\d+/),
      ...steps("CLUSTER_DISABLED", "{cli} info server | grep redis_mode", /standalone/),
      ...steps(["HANDSHAKE_TIMEOUT", "TLS_PROTOCOL"], "{within}redis-cli -h {host} -p {port} ping", /^PONG/),
    ],
  },
  {
    name: "an HTTP server",
    open: async () => {
      const server = createHttpServer((_, response) => response.end("hello"));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
      return { port: (server.address() as AddressInfo).port, close };
    },
    steps: [
      ...steps("NOT_REDIS", "ss -ltnp | grep", (text) => /node|pid=/.test(text) && !text.includes("redis-server")),
      ...steps("NOT_REDIS", "lsof -nP -iTCP:", (text) => !text.includes("redis")),
      ...steps("PROTOCOL_ERROR", "{cli} info server | head", (text) => !text.includes("redis_version")),
    ],
  },
  {
    name: "a port that closes each connection",
    open: () => listener((socket) => socket.destroy()),
    steps: steps("CONNECTION_CLOSED_EARLY", "{within}openssl s_client", (text) => !text.includes("BEGIN CERTIFICATE")),
  },
  {
    name: "a TLS port, and a certificate of a stranger",
    open: () => tlsServer("foreign"),
    steps: [
      ...steps("TLS_UNTRUSTED", "{within}openssl s_client", /Verify return code: (?:19|20|21)/),
      ...steps("TLS_UNTRUSTED", "{within}redis-cli", /^PONG/),
      ...steps("TLS_PROTOCOL", "{within}openssl s_client", /BEGIN CERTIFICATE/),
    ],
  },
  {
    name: "a certificate that has ended",
    open: () => tlsServer("expired"),
    steps: [
      ...steps("TLS_EXPIRED", "{within}openssl s_client", /notAfter=.*2020/),
      ...steps("TLS_EXPIRED", "date -u", /UTC/),
    ],
  },
  {
    name: "a certificate for another host",
    open: () => tlsServer("wrongHost"),
    steps: steps("TLS_WRONG_HOST", "{within}openssl s_client", /DNS:redis\.elsewhere\.example/),
  },
  {
    name: "a server that wants a certificate",
    open: () => tlsServer("valid", true),
    steps: [
      ...steps("TLS_CLIENT_CERT", "{within}redis-cli", /^PONG/),
      ...steps("TLS_CLIENT_CERT", "openssl x509", /issuer=.*lab CA/),
    ],
  },
  {
    name: "a server that wants a password, and a wrong one typed",
    open: async () => {
      const server = await startRedis({ password: "right", acl: ["user limited on >limited ~app:* +get"] });
      const limited = new PlainRedis({ port: server.port, username: "limited", password: "limited" });
      await limited.set("other", "v").catch(() => undefined);
      limited.disconnect();
      const env = { REDIS_URL: `redis://127.0.0.1:${String(server.port)}`, REDISCLI_AUTH: "right" };
      return redis(server, { surroundings: { input: "wrong\n", env } });
    },
    steps: [
      ...steps("AUTH_REQUIRED", "{login} ping", /WRONGPASS|NOAUTH/),
      ...steps("AUTH_WRONG", "{login} acl whoami", /WRONGPASS|NOAUTH/),
      ...steps("AUTH_REQUIRED", "npx --no ioredoubt config", /user .*default|password/i),
      // On the server's own machine the administrator is logged in.
      ...steps("AUTH_WRONG", "redis-cli acl getuser", NOTHING, { user: "nobody" }),
      ...steps("PERMISSION_DENIED", "{cli} acl whoami", /default/),
      ...steps("PERMISSION_DENIED", "redis-cli acl getuser", /\+get/, { user: "limited" }),
      ...steps("PERMISSION_DENIED", "redis-cli acl log", /limited/),
    ],
  },
  {
    name: "a server that is open to all",
    open: async () => {
      const server = await startRedis();
      const conf = join(server.dir, "redis.conf");
      return redis(server, { stands: { "/etc/redis/redis.conf": conf } });
    },
    inOrder: true,
    steps: [
      ...steps("AUTH_NOT_CONFIGURED", "{cli} info server", /config_file:/),
      ...steps("AUTH_NOT_CONFIGURED", "{cli} acl getuser default", /nopass/),
      ...steps("PROTECTED_MODE", "grep -nE", /bind 127\.0\.0\.1/),
      ...steps("PROTECTED_MODE", "redis-cli acl setuser", /^OK/),
    ],
  },
  {
    name: "a secret that is not there",
    open: () => Promise.resolve({ stands: { FILE: "/run/secrets/not-there" }, close: () => Promise.resolve() }),
    steps: steps("CREDENTIALS_FAILED", "ls -lL", /No such file/),
  },
  {
    name: "a server that takes no more clients",
    open: async () => {
      const server = await startRedis({ args: ["--maxclients", "3"] });
      const clients = Array.from({ length: 3 }, () => new PlainRedis({ port: server.port, retryStrategy: () => null }));
      for (const client of clients) client.on("error", () => undefined);
      await Promise.all(clients.map((client) => client.ping()));
      const close = (): Promise<void> => {
        for (const client of clients) client.disconnect();
        return server.stop();
      };
      return redis(server, { close });
    },
    steps: [
      ...steps("MAX_CLIENTS", "ss -Htn state established", /^\s*[3-9] \S*127\.0\.0\.1/m),
      ...steps("MAX_CLIENTS", "ss -tnp | grep -c", /^3$/m),
      ...steps("MAX_CLIENTS", "{cli} info clients", /max number of clients/),
    ],
  },
  {
    name: "a server that loads its data",
    open: async () => {
      const args = [
        "--key-load-delay",
        "20000",
        "--loading-process-events-interval-bytes",
        "1024",
        "--rdbcompression",
        "no",
      ];
      const server = await startRedis({ waitFor: "accepting", args });
      await server.call("DEBUG", "POPULATE", 1_000, "key", 100);
      await server.call("SAVE");
      await server.restart();
      return redis(server);
    },
    steps: steps("LOADING", "{cli} info persistence", /loading:1/),
  },
  {
    name: "a script without an end",
    open: async () => {
      const server = await startRedis({ config: ["busy-reply-threshold 30"] });
      const looping = new PlainRedis({ port: server.port });
      void looping.eval("while true do end", 0).catch(() => undefined);
      await eventually(() => expect(server.call("GET", "k")).rejects.toThrow("BUSY"));
      return redis(server, { close: () => (looping.disconnect(), server.stop()) });
    },
    inOrder: true,
    steps: [
      ...steps("BUSY_SCRIPT", "{cli} slowlog", /BUSY/),
      ...steps("BUSY_SCRIPT", "{cli} function kill", /BUSY/),
      ...steps("BUSY_SCRIPT", "{cli} script kill", /^OK/),
    ],
  },
  {
    name: "a replica that has lost its master",
    open: async () => redisAfter({}, ["REPLICAOF", "127.0.0.1", await freePort()]),
    steps: [
      ...steps(["READ_ONLY_REPLICA", "UNBLOCKED", "SENTINEL_WRONG_ROLE"], "{cli} role", /^slave/),
      ...steps("READ_ONLY_REPLICA", "getent hosts", /127\.0\.0\.1/),
      ...steps("MASTER_DOWN", "{cli} info replication", /master_link_status:down/),
    ],
  },
  {
    name: "a master without the replicas it wants",
    open: () => redisAfter({ config: ["min-replicas-to-write 1"] }),
    steps: [
      ...steps("NOT_ENOUGH_REPLICAS", "{cli} info replication", /connected_slaves:0/),
      ...steps("NOT_ENOUGH_REPLICAS", "{cli} config get", /min-replicas-to-write\s+1/),
    ],
  },
  {
    name: "a server without memory",
    open: () => redisAfter({}, ["SET", "large", "x".repeat(100_000)], ["CONFIG", "SET", "maxmemory", "100000"]),
    steps: [
      ...steps("OUT_OF_MEMORY", "{cli} info memory", /maxmemory:100000[\s\S]*noeviction/),
      ...steps("OUT_OF_MEMORY", "{cli} --bigkeys", /Biggest string found .*large/),
      ...steps("REPLY_TOO_LONG", "{cli}{select} --bigkeys", /Biggest string found .*large/),
      ...steps("OUT_OF_MEMORY", "{cli} info keyspace", /expires=0/),
    ],
  },
  {
    name: "a server that cannot save",
    open: async () => {
      const server = await startRedis({ config: ["save 3600 1", "enable-protected-configs yes"] });
      const gone = join(server.dir, "gone");
      mkdirSync(gone);
      await server.call("CONFIG", "SET", "dir", gone);
      rmSync(gone, { recursive: true });
      await server.call("BGSAVE");
      await eventually(async () => expect(await server.cli("INFO", "persistence")).toContain("bgsave_status:err"));
      return redis(server, { stands: { "/var/lib/redis": server.dir } });
    },
    steps: [
      ...steps("PERSISTENCE_FAILED", "{cli} info persistence", /rdb_last_bgsave_status:err/),
      ...steps("PERSISTENCE_FAILED", "{cli} config get dir", /^dir\s*$/),
      ...steps("PERSISTENCE_FAILED", "df -h", /Use%/),
    ],
  },
  {
    name: "a cluster without some of its slots, and one on its way",
    open: async () => {
      const config = ["cluster-enabled yes", "cluster-require-full-coverage yes"];
      const [left, right] = await Promise.all([startRedis({ config }), startRedis({ config })]);
      await left.call("CLUSTER", "ADDSLOTSRANGE", 0, 8191);
      await left.call("CLUSTER", "MEET", "127.0.0.1", right.port);
      const id = await right.cli("CLUSTER", "MYID");
      await eventually(() => left.call("CLUSTER", "SETSLOT", 1, "MIGRATING", id), { withinMs: 20_000 });
      return redis(left, { close: () => Promise.all([left.stop(), right.stop()]) });
    },
    steps: [
      ...steps(["CLUSTER_DOWN", "CLUSTER_UNREACHABLE"], "{cli} cluster info", /cluster_state:fail[\s\S]*slots_ok:8192/),
      ...steps(["CLUSTER_DOWN", "CLUSTER_UNREACHABLE", "MOVED", "ASK", "TRY_AGAIN"], "{cli} cluster nodes", /\[1->-/),
      ...steps("CLUSTER_DOWN", "{within}redis-cli --cluster check", /ERR\] Not all 16384 slots/),
      ...steps("CROSS_SLOT", "{cli} cluster keyslot", /\d+/),
    ],
  },
  {
    name: "Sentinels that know another name and a replica that is down",
    open: async () => {
      const port = await freePort();
      const replicas = [{ port, flags: "slave,s_down" }];
      const sentinel = await startSentinel({ master: null, names: ["cache"], replicas, epoch: 7 });
      const facts = { port, sentinel: `127.0.0.1:${String(sentinel.port)}`, sentinelName: "mymaster" };
      return { facts, close: () => sentinel.stop() };
    },
    steps: [
      ...steps(["READ_ONLY_REPLICA", "SENTINELS_UNREACHABLE"], "{sentinelCli} sentinel get-master-addr", NOTHING),
      ...steps(["SENTINELS_UNREACHABLE", "SENTINEL_NAME_UNKNOWN"], "{sentinelCli} sentinel masters", /cache/),
      ...steps("SENTINEL_NO_REPLICA", "{sentinelCli} sentinel replicas", /s_down/),
      ...steps("SENTINEL_WRONG_ROLE", "{sentinelCli} sentinel master ", /config-epoch/),
    ],
  },
  {
    name: "a Sentinel that wants a password",
    open: async () => {
      const sentinel = await startSentinel({ password: "right", names: ["mymaster"] });
      const facts = { sentinel: `127.0.0.1:${String(sentinel.port)}`, sentinelName: "mymaster" };
      return { facts, surroundings: { input: "wrong\n" }, close: () => sentinel.stop() };
    },
    steps: steps("SENTINEL_ACCESS", "{sentinelLogin}", /NOAUTH|WRONGPASS/),
  },
  {
    name: "commands that are used in the wrong way",
    open: async () => {
      const server = await startRedis();
      await server.call("SET", "PREFIX:1", "text");
      await server.call("XADD", "stream", "*", "a", "1");
      const dir = folder();
      const script = join(dir, "script.lua");
      writeFileSync(script, "return redis.call('LPUSH', KEYS[1], ARGV[1]) + nil\n");
      const close = (): Promise<void> => (rmSync(dir, { recursive: true }), server.stop());
      const stands = {
        "script.lua": script,
        "get KEY": "get PREFIX:1",
        "type KEY": "type PREFIX:1",
        "xinfo groups KEY": "xinfo groups stream",
      };
      return redis(server, { close, stands, facts: { command: "lpushy" } });
    },
    steps: [
      ...steps("WRONG_TYPE", "{cli}{select} type", /^string/),
      ...steps("WRONG_TYPE", "{cli}{select} --scan", /PREFIX:1/),
      ...steps(["SYNTAX", "COMMAND_REFUSED"], "{cli} command docs", NOTHING),
      ...steps(["SYNTAX", "UNKNOWN_COMMAND", "PROTOCOL_UNSUPPORTED"], "{cli} info server", /redis_version:\d/),
      ...steps("UNKNOWN_COMMAND", "{cli} command info", NOTHING),
      ...steps("UNKNOWN_COMMAND", "{cli} module list", NOTHING),
      ...steps("NOT_A_NUMBER", "{cli}{select} get", /^text/),
      ...steps("NO_SCRIPT", "{cli} script exists", /^0/m),
      ...steps("SCRIPT_FAILED", "{cli} --eval", /arithmetic on .*nil/),
      ...steps("DB_OUT_OF_RANGE", "{cli} config get databases", /16/),
      ...steps("PROTOCOL_UNSUPPORTED", "{cli} hello 3", /proto/),
      ...steps("PRECONDITION_FAILED", "{cli}{select} xinfo groups", NOTHING),
    ],
  },
  {
    name: "this process",
    open: () => {
      const env = { REDIS_URL: "redis://127.0.0.1:6379", IOREDOUBT_DEADLINE: "soon" };
      return Promise.resolve({ surroundings: { env }, close: () => Promise.resolve() });
    },
    steps: [
      ...steps("CONFIG_INVALID", "npx --no ioredoubt config", /IOREDOUBT_DEADLINE/),
      ...steps("TOO_MANY_OPEN_FILES", "ls /proc/{pid}/fd", /^\s*\d+$/m),
      ...steps("TOO_MANY_OPEN_FILES", "lsof -p", /\d+ \w+/),
      ...steps("TOO_MANY_OPEN_FILES", "grep 'open files'", /Max open files\s+\d+/),
      ...steps("TOO_MANY_OPEN_FILES", "ulimit -n", /^(?:\d+|unlimited)$/m),
      ...steps("PORTS_EXHAUSTED", "ss -s", /timewait|closed/),
      ...steps("PORTS_EXHAUSTED", "sysctl net.ipv4", /ip_local_port_range\s*=\s*\d+\s+\d+/),
      ...steps("EVENT_LOOP_BLOCKED", "grep throttled", /throttled|No such file/),
    ],
  },
];

/** In a network of its own: nothing but loopback, which is down. */
const ISOLATED = { "^": "unshare -rn " };

/** What cannot be in the state of its fault here, and why. */
const NOT_MADE: readonly (readonly [RegExp, string])[] = [
  [/^kubectl/, "asks a Kubernetes cluster, and says so where there is none"],
  [/^(?:systemctl|journalctl|timedatectl)/, "asks systemd, which does not run in a container"],
];

function isForLinux({ when }: Command): boolean {
  return when.every((condition) => condition !== "mac" || holds(condition as Condition, LOCAL));
}

/** Those that can be pasted on this machine. */
const HERE = COMMANDS.filter((command) => isForLinux(command) && toolsIn(command.template).every(isHere));

function find({ code, step }: Step): Command | undefined {
  return COMMANDS.find(
    (command) =>
      command.code === code &&
      command.template.replace("{within}{cli}", "{cli}").startsWith(step.replace("{within}{cli}", "{cli}")),
  );
}

async function take(step: Step, ground: Ground): Promise<void> {
  const command = find(step);
  if (command === undefined) throw new Error(`${step.code} has no step ${step.step}`);
  if (!toolsIn(command.template).every(isHere)) return;
  const { port, facts, stands = {}, surroundings } = ground;
  let run = fill(command.template, { ...LOCAL, port, ...facts, ...step.facts }, shellQuoted);
  for (const [name, stand] of Object.entries(stands)) run = name === "^" ? stand + run : run.replace(name, stand);
  // On the server's own machine the port is in nobody's way.
  if (port !== undefined && run.startsWith("redis-cli acl"))
    run = run.replace("redis-cli", `redis-cli -p ${String(port)}`);
  if (port !== undefined && run === "redis-cli info clients") run = `redis-cli -p ${String(port)} info clients`;
  const { ended, text } = await execute(run, surroundings);
  expect(ended, `${run} did not end`).toBe(true);
  const { shows } = step;
  const shown = shows instanceof RegExp ? shows.test(text) : shows(text, ground);
  expect(shown, `${step.code}: ${run}\n${text}`).toBe(true);
}

describe("the steps, each at its fault", () => {
  it.for(SCENES)("$name", { timeout: 120_000 }, async ({ open, steps: all, inOrder, skip }, context) => {
    if (skip !== undefined) context.skip(skip);
    const ground = await open();
    try {
      if (inOrder === true) for (const step of all) await take(step, ground);
      else await inTurns(all, (step) => take(step, ground));
    } finally {
      await ground.close();
    }
  });

  it("are all of those whose programs are here", () => {
    const taken = new Set(SCENES.flatMap(({ steps: all }) => all.map(find)));
    const left = HERE.filter((command) => !taken.has(command));
    const unexplained = left.filter(({ template }) => !NOT_MADE.some(([pattern]) => pattern.test(template)));
    expect(unexplained.map(({ code, template }) => `${code}: ${template}`)).toEqual([]);
  });

  it("end by themselves also where their fault cannot be made", { timeout: 120_000 }, async () => {
    const runs = HERE.map(({ template }) => template).filter((run) => NOT_MADE.some(([pattern]) => pattern.test(run)));
    await inTurns([...new Set(runs)], async (run) => {
      expect((await execute(run)).ended, run).toBe(true);
    });
  });
});
