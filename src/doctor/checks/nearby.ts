/**
 * A refused port: does Redis answer on another of its usual ports on the same host? Only those are tried, once each, and
 * only when the path was refused.
 */
import type { Check, Context } from "../check.js";
import { doctorFor } from "../commands.js";
import { skip, type Draft } from "../finding.js";
import { dial, listen } from "../wire/dial.js";
import { encode } from "../wire/resp.js";

const USUAL = [6379, 6380, 6381, 7000, 7001, 16_379, 26_379];
const LIMIT = 350;

/** What answers on the usual ports next to the one asked for. */
export const nearbyCheck: Check = {
  id: "nearby",
  title: "Other ports",
  topic: "1.1 Host and port",
  after: ["path"],
  needs: ["name"],
  deadline: 1200,
  run,
};

async function run(context: Context): Promise<readonly Draft[]> {
  const { seen } = context;
  const [address] = seen.addresses;
  if (seen.path !== "refused" || address === undefined || seen.endpoint === undefined)
    return [skip("only asked when the port refuses", "Not needed.")];
  if (context.target.mode === "sentinel") return [skip("the port is the Sentinels' word", "Not needed.")];
  const asked = seen.endpoint;
  const ports = USUAL.filter((port) => port !== asked.port);
  const answers = await Promise.all(ports.map((port) => speaksAt(address.address, port)));
  const open = ports.flatMap((port, i) => (answers[i] === undefined ? [] : [{ port, says: answers[i] }]));
  if (open.length === 0)
    return [
      {
        status: "ok",
        evidence: `nothing accepts on ${ports.join(", ")}`,
        meaning: "No other usual Redis port is open there.",
      },
    ];
  const redis = open.find((one) => one.says === "Redis") ?? open.find((one) => one.says === "TLS or something silent");
  const evidence = open.map((one) => `${String(one.port)}: ${one.says}`).join(", ");
  if (redis === undefined) return [{ status: "ok", evidence, meaning: "What is open there is not Redis." }];
  const port = String(redis.port);
  const sure = redis.says === "Redis";
  return [
    {
      status: sure ? "fail" : "warn",
      code: "CONNECTION_REFUSED",
      explains: "path",
      evidence,
      meaning: sure
        ? `The port is wrong: ${asked.host} refuses ${String(asked.port)} and Redis answers there on ${port}.`
        : `Something on ${asked.host} accepts connections on ${port}, perhaps Redis with TLS.`,
      next: [
        {
          say: `See what answers on ${String(redis.port)} (healthy: if it is the one you mean, set the port to ${String(redis.port)})`,
          run: doctorFor(context, { host: asked.host, port: redis.port }, !sure),
        },
        { say: `Correct the port where it is set (${context.target.origins.get("port") ?? "the target"})` },
      ],
    },
  ];
}

async function speaksAt(address: string, port: number): Promise<string | undefined> {
  const { socket } = await dial({ address, port }, LIMIT);
  if (socket === undefined) return undefined;
  socket.write(encode(["PING"]));
  const { bytes } = await listen(socket, LIMIT);
  socket.destroy();
  if (/^(?:\+PONG|-(?:NOAUTH|LOADING|BUSY|MASTERDOWN|DENIED|NOPERM|ERR max number))/.test(bytes.toString("latin1")))
    return "Redis";
  return bytes.length === 0 ? "TLS or something silent" : "not Redis";
}
