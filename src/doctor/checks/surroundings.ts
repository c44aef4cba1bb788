/**
 * What stands between this process and the network: container or pod, proxy variables, tunnels, service mesh, and the
 * route. None of it is a fault; all of it changes what a refused or silent connection means.
 */
import type { Check, Context } from "../check.js";
import { ok, type Draft } from "../finding.js";
import { tcpTable } from "../local/proc-net.js";

const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
const TUNNEL = /^(?:tun|tap|wg|utun|ppp|tailscale|zt|nordlynx|ipsec|cscotun|gpd)/;
/** Envoy (Istio) and linkerd-proxy listen on these inside the pod. */
const MESH_PORTS = new Map([
  [15_001, "Istio sidecar"],
  [15_006, "Istio sidecar"],
  [4140, "Linkerd sidecar"],
  [4143, "Linkerd sidecar"],
]);

/** What stands between this process and the network. */
export const surroundingsCheck: Check = {
  id: "surroundings",
  title: "Surroundings",
  topic: "1.4 VPN, proxy, mesh",
  needs: ["target"],
  after: ["path"],
  deadline: 1500,
  run,
};

async function run(context: Context): Promise<readonly Draft[]> {
  const { machine, seen } = context;
  const interfaces = machine.interfaces();
  const tunnels = [...new Set(interfaces.filter(({ name }) => TUNNEL.test(name)).map(({ name }) => name))];
  const proxies = PROXIES.filter((name) => (machine.env[name] ?? "") !== "");
  const mesh = await sidecar(context);
  const leaving = interfaces.find((one) => one.address === seen.localAddress);
  const gateway = await defaultRoute(context);
  const facts = [
    machine.kubernetes ? "in a Kubernetes pod" : machine.container ? "in a container" : "not in a known container",
    ...(leaving === undefined ? [] : [`leaves by ${leaving.name} (${leaving.address})`]),
    ...(gateway === undefined ? [] : [gateway]),
    tunnels.length === 0 ? "no tunnel interface" : `tunnels: ${tunnels.join(", ")}`,
    ...(proxies.length === 0 ? [] : [`proxy variables: ${proxies.join(", ")}`]),
    ...(mesh === undefined ? [] : [mesh]),
  ];
  return [...hints(context, tunnels, mesh), ok(facts.join("; "), meaningOf(proxies, tunnels, mesh))];
}

function meaningOf(proxies: readonly string[], tunnels: readonly string[], mesh: string | undefined): string {
  const parts = [
    ...(proxies.length === 0 ? [] : ["Redis clients do not use HTTP proxy variables."]),
    ...(tunnels.length === 0 ? [] : ["Traffic may take a VPN."]),
    ...(mesh === undefined ? [] : ["A sidecar handles every connection of this pod."]),
  ];
  return parts.length === 0 ? "Nothing stands between this process and the network." : parts.join(" ");
}

/** Only when the way is closed does the neighbourhood become suspicious. */
function hints(context: Context, tunnels: readonly string[], mesh: string | undefined): Draft[] {
  const { seen } = context;
  const { endpoint, path } = seen;
  if (path === undefined || path === "connected" || endpoint === undefined) return [];
  if (mesh !== undefined) {
    return [
      {
        status: "warn",
        evidence: mesh,
        meaning: "A service mesh is in the way: it may refuse or drop what its policy does not allow.",
        next: [
          {
            say: "On a machine with kubectl: see what the sidecar did with it (a line with UF or a denial: the mesh refused it)",
            run: `kubectl logs POD -c ${/linkerd/i.test(mesh) ? "linkerd-proxy" : "istio-proxy"} | grep ${String(endpoint.port)}`,
          },
        ],
      },
    ];
  }
  if (tunnels.length > 0 && path !== "refused") {
    return [
      {
        status: "warn",
        evidence: `tunnels: ${tunnels.join(", ")}`,
        meaning: "A VPN is up: packets for Redis may go into the tunnel, or need one that is down.",
        next: [
          {
            say: "See which way they take (the interface behind dev: a tunnel such as tun or wg is a VPN)",
            run: `ip route get ${seen.addresses[0]?.address ?? endpoint.host}`,
          },
        ],
      },
    ];
  }
  return [];
}

async function sidecar({ machine }: Context): Promise<string | undefined> {
  const named = Object.keys(machine.env).find((name) => /^(?:LINKERD2_PROXY_|ISTIO_META_|ENVOY_)/.test(name));
  if (named !== undefined) return `mesh variable ${named}`;
  const table = (await tcpTable(machine)) ?? [];
  const port = table.find((one) => one.state === "LISTEN" && MESH_PORTS.has(one.localPort))?.localPort;
  return port === undefined ? undefined : `${MESH_PORTS.get(port) ?? "a sidecar"} listens on ${String(port)}`;
}

/** The default route is the row whose destination is 0. */
async function defaultRoute({ machine }: Context): Promise<string | undefined> {
  const text = await machine.read("/proc/net/route");
  if (text === undefined) return undefined;
  const row = text
    .split("\n")
    .map((line) => line.split("\t"))
    .find(([, destination]) => destination === "00000000");
  return row === undefined ? "no default route" : `default route by ${row[0] ?? "?"}`;
}
