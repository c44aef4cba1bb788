/** The network path: one connection attempt per address, side by side, and what each answer proves. */
import { formatTrip } from "../../format.js";
import { within } from "../../clock.js";
import type { Check, Context, PathOutcome } from "../check.js";
import { failed, ok, skip, type Draft } from "../finding.js";
import { held } from "../background.js";
import { isLocalTarget } from "../local/is-local.js";
import type { Address } from "../machine.js";
import { dial, type Place } from "../wire/dial.js";

/** Whether each address accepts a connection. */
export const pathCheck: Check = {
  id: "path",
  title: "Path",
  topic: "1.3 Network tests",
  needs: ["name"],
  deadline: 3000,
  chain: true,
  run,
};

/** A neighbour that does not answer is given up after seconds; a firewall or router says no at once. */
const QUICK = 1000;

interface Attempt {
  readonly address: Address | undefined;
  readonly outcome: PathOutcome;
  readonly error: NodeJS.ErrnoException | undefined;
  readonly elapsed: number;
  readonly from: string | undefined;
}

async function run(context: Context): Promise<readonly Draft[]> {
  const { seen } = context;
  const { endpoint } = seen;
  if (endpoint === undefined) return [skip("no address is known")];
  const places: readonly (readonly [Address | undefined, Place])[] =
    endpoint.path !== undefined
      ? [[undefined, { address: "", port: 0, path: endpoint.path }]]
      : seen.addresses.map((one) => [one, { address: one.address, port: endpoint.port }]);
  const limit = limitOf(context);
  const attempts = await attemptAll(limit, places);
  const evidence = attempts.map((one) => describe(one, endpoint.path)).join("; ");
  const good = attempts.find((one) => one.outcome === "connected");
  if (good !== undefined) {
    seen.path = "connected";
    seen.reachable = good.address;
    seen.localAddress = good.from;
    const lost = attempts.filter((one) => isLost(one, good));
    if (lost.length > 0) return [partly(context, attempts.length, lost, evidence)];
    return [ok(evidence, "The way there is open: something accepts connections.", limitText(limit))];
  }
  const [first] = attempts;
  if (first === undefined) return [skip("the name has no address")];
  // The most telling answer decides: a refusal proves more than silence does
  const telling = attempts.find((one) => one.outcome === "refused") ?? first;
  seen.path = telling.outcome;
  const diagnosis = context.classify(telling.error, { phase: "connect" });
  const meaning = isLocalTarget(context) ? undefined : farMeaning(telling, diagnosis.title);
  // Only silence is a matter of time
  const threshold = telling.outcome === "silent" ? limitText(limit) : undefined;
  return [failed(diagnosis, evidence, { threshold, ...(meaning === undefined ? {} : { meaning }) })];
}

/** Once one address is reached, the others have this long to follow: they must not hold a healthy run up. */
const FOLLOW = 500;

async function attemptAll(
  limit: number,
  places: readonly (readonly [Address | undefined, Place])[],
): Promise<readonly Attempt[]> {
  let follow: (() => void) | undefined;
  const reached = new Promise<void>((resolve) => (follow = resolve));
  return Promise.all(
    places.map(async ([address, place]) => {
      const start = performance.now();
      const own = attempt(limit, address, place).then((one) => {
        if (one.outcome === "connected") follow?.();
        return one;
      });
      const silent = (): Attempt => {
        const elapsed = performance.now() - start;
        return { address, outcome: "silent", error: undefined, elapsed, from: undefined };
      };
      const late = reached.then(() => within(own, FOLLOW, silent, held));
      return Promise.race([own, late]);
    }),
  );
}

/**
 * A name's other address that fails. Of another family it is usual that nothing listens (`localhost` is also `::1`) and
 * clients go on at once; silence makes them wait in any family.
 */
function isLost(one: Attempt, good: Attempt): boolean {
  if (one.outcome === "connected") return false;
  return one.outcome === "silent" || one.address?.family === good.address?.family;
}

function partly(context: Context, all: number, lost: readonly Attempt[], evidence: string): Draft {
  const names = lost.map((one) => one.address?.address ?? "").join(", ");
  const { host = "HOST", port = 0 } = context.seen.endpoint ?? {};
  return {
    status: "warn",
    evidence,
    threshold: "every address of the name",
    meaning: `${String(lost.length)} of the ${String(all)} addresses of ${host} cannot be reached (${names}): a client that gets one of them first fails or waits.`,
    next: [
      {
        say: "See who answers there (succeeded: it is back; refused or timed out: still lost)",
        run: `nc -vz -w 3 ${lost[0]?.address?.address ?? host} ${String(port)}`,
      },
      { say: "Take addresses out of the name's records that are no longer used" },
    ],
  };
}

/** What the answer of another machine proves, and what it leaves open. */
function farMeaning({ outcome, elapsed }: Attempt, title: string): string | undefined {
  if (outcome === "refused") {
    return `${title} The machine is there: nothing listens on that port, or only on its own loopback address, or a firewall there rejects instead of dropping.`;
  }
  if (outcome === "unreachable" && elapsed < QUICK) {
    return `${title} An ICMP message said so at once: a firewall rejects the connection, or a router knows no way.`;
  }
  return undefined;
}

async function attempt(limit: number, address: Address | undefined, place: Place): Promise<Attempt> {
  const { socket, error, elapsed } = await dial(place, limit);
  const from = socket?.localAddress;
  socket?.on("error", () => undefined);
  socket?.destroy();
  return { address, outcome: socket === undefined ? outcomeOf(error) : "connected", error, elapsed, from };
}

function outcomeOf(error: NodeJS.ErrnoException | undefined): PathOutcome {
  switch (error?.code) {
    case "ECONNREFUSED":
      return "refused";
    case "ETIMEDOUT":
      return "silent";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
      return "unreachable";
    case "ENOENT":
      return "missing";
    default:
      return "other";
  }
}

const WORDS: Readonly<Record<PathOutcome, string>> = {
  connected: "connected",
  refused: "refused",
  silent: "no answer at all",
  unreachable: "unreachable",
  missing: "no such socket",
  other: "failed",
};

function describe(one: Attempt, path: string | undefined): string {
  const name = one.address?.address ?? path ?? "";
  const code = one.error?.code === undefined ? "" : ` (${one.error.code})`;
  const from = one.from === undefined ? "" : ` from ${one.from}`;
  return `${name} ${WORDS[one.outcome]}${code} after ${formatTrip(one.elapsed)}${from}`;
}

function limitText(limit: number): string {
  return `no answer within ${String(limit)} ms counts as silence`;
}

/** Silence is believed after this long at the earliest: a lost SYN is repeated after a second. */
const PATIENCE = 1300;
/** Left for the report. */
const REST = 100;

/** What came before may have taken most of the run: silence is still worth telling before its time ends. */
function limitOf({ options, left }: Context): number {
  const rest = Math.floor(Math.max(PATIENCE, left() - REST));
  return Math.min(options.connectTimeout, rest);
}
