/**
 * Runs a program beside a redis-server on port 6379, which the suites of others expect. On Linux, where the kernel allows
 * it, both get a network of their own: nobody else's server is touched, and several may run at a time.
 */
import { spawn, spawnSync } from "node:child_process";
import { connect } from "node:net";

const SERVE = `
[ "$OWN_NETWORK" = 1 ] && ip link set lo up
redis-server --port 6379 --bind 127.0.0.1 -::1 --save '' --appendonly no >/dev/null 2>&1 & server=$!
trap 'kill $server' EXIT
until redis-cli -p 6379 ping >/dev/null 2>&1; do kill -0 $server || exit 70; sleep 0.05; done
"$@"`;

/** @type {boolean | undefined} */
let isolates;

function canIsolate() {
  return (isolates ??= spawnSync("unshare", ["-rn", "ip", "link", "set", "lo", "up"]).status === 0);
}

/**
 * @param {readonly string[]} command
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, minutes: number }} options
 * @returns {Promise<string>} the end of what it printed
 */
export async function besideRedis(command, { cwd, env, minutes }) {
  const isOwn = canIsolate();
  if (!isOwn && (await isTaken(6379))) throw new Error("Port 6379 is taken, and a network of our own cannot be made.");
  const shell = ["sh", "-c", SERVE, "sh", ...command];
  const [program = "", ...args] = isOwn ? ["unshare", "-rn", ...shell] : shell;
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env, OWN_NETWORK: isOwn ? "1" : "" },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, which can be ended as a whole.
    detached: true,
  });
  let output = "";
  const hear = (/** @type {Buffer} */ chunk) => {
    output = (output + chunk.toString()).slice(-4_000);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const end = () => {
    try {
      process.kill(-Number(child.pid), "SIGKILL");
    } catch {
      // Nothing is left of it.
    }
  };
  const timer = setTimeout(end, minutes * 60_000);
  // Not "close": a server that a test forgot would keep the pipes open.
  await new Promise((resolve) => child.once("exit", resolve));
  clearTimeout(timer);
  end();
  return output;
}

/** @param {number} port */
function isTaken(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
