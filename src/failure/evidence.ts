/**
 * What this process itself observed about a failure, in sentences: it stands before the catalogue's likely causes,
 * because what was seen beats what is usual.
 */
import { formatDuration } from "../format.js";
import type { FailureContext } from "./diagnosis.js";
import type { Facts } from "./facts.js";
import { redactText } from "./redact.js";
import type { View } from "./unwrap.js";

/** A command in flight for less than this holds nobody up: every busy connection has some. Milliseconds. */
const HELD_UP = 100;

const SHOWN_ADDRESSES = 4;
/** As the Sentinels told. */
const TOOK_OVER = / took over from /;
/** Characters of what Sentinels said. */
const SENTINELS_SAID = 400;
/** Characters of a provider's name. */
const PROVIDER = 80;

/** What was observed, as whole sentences, the weightiest first; empty when nothing was. `area` is the failure's. */
export function evidenceOf(area: string, views: readonly View[], context: FailureContext, facts: Facts): string[] {
  const found: string[] = [];
  const { connection, loop, head, lookupMs, loginMs } = context;
  const [root] = views;
  // What each of the Sentinels said is the whole story.
  if (root !== undefined && (root.code?.startsWith("SENTINEL") === true || TOOK_OVER.test(root.message))) {
    const said = ended(redactText(root.message, SENTINELS_SAID));
    const provider = root.code === "SENTINEL_ACCESS" ? context.endpoint?.sentinelAccess?.credentialsFrom : undefined;
    found.push(provider === undefined ? said : `${said} ${comesFrom(`${provider} (for the Sentinels)`)}`);
  }
  const { credentialsFrom } = context.endpoint ?? {};
  // Its own failure names it anyway, and who refuses before there is a connection is a Sentinel.
  const isRefused = area === "access" && root?.code !== "CREDENTIALS_FAILED" && context.phase !== "connect";
  if (isRefused && credentialsFrom !== undefined) found.push(comesFrom(credentialsFrom));
  if (connection?.lastWords)
    found.push(`The server's last words were: ${ended(redactText(connection.lastWords, 200))}`);
  const stall =
    loop === undefined || loop.blockedMs < 50 || loop.blockedMs < loop.ofMs / 10
      ? undefined
      : `This process's event loop was blocked for ${formatDuration(loop.blockedMs)} of the ${formatDuration(loop.ofMs)}.`;
  // Half of the time and more explains the rest away; less is a circumstance.
  const isMain = loop !== undefined && loop.blockedMs >= loop.ofMs / 2;
  if (stall !== undefined && isMain) found.push(stall);
  // A server that answers with a refusal is not slow: who waits for whom explains nothing then.
  if (head !== undefined && head.behind > 0 && head.forMs >= HELD_UP && (area === "network" || area === "client")) {
    found.push(
      `${String(head.behind)} ${head.behind === 1 ? "command waits" : "commands wait"} behind ${redactText(head.command, 40).toUpperCase()}, in flight for ${formatDuration(head.forMs)}.`,
    );
  }
  if (stall !== undefined && !isMain) found.push(stall);
  if (loginMs !== undefined && credentialsFrom !== undefined) {
    const provider = redactText(credentialsFrom, PROVIDER);
    found.push(
      `The credentials provider ${provider} has been asked for ${formatDuration(loginMs)} without an answer: nothing was sent to the server yet.`,
    );
  }
  if (lookupMs !== undefined) {
    const span = formatDuration(lookupMs);
    found.push(
      context.phase === "resolve"
        ? `The name of the server has been looked up for ${span} without an answer: nothing was sent to the server yet.`
        : `Looking up the name of the server took ${span}.`,
    );
  }
  const tried = triedAddresses(views);
  if (tried !== undefined) found.push(tried);
  if (
    area === "network" &&
    facts.host !== undefined &&
    /^["']|["']$|:\d+$|:\/\/|\s/.test(facts.host) &&
    !/^[\da-f:.]+$/i.test(facts.host)
  ) {
    found.push(`The host is set to ${facts.host}: quotes, a scheme or a port do not belong in it.`);
  }
  if (connection !== undefined) pushConnection(found, connection, area);
  const inner = innerReply(views);
  if (inner !== undefined) found.push(inner);
  return found;
}

function comesFrom(provider: string): string {
  return `The login comes from the credentials provider ${redactText(provider, PROVIDER)}.`;
}

function triedAddresses(views: readonly View[]): string | undefined {
  const dialled = views.slice(1).filter((view) => view.address !== undefined && view.code !== undefined);
  if (dialled.length < 2) return undefined;
  const list = dialled.slice(0, SHOWN_ADDRESSES).map((view) => `${view.address ?? ""} (${view.code ?? ""})`);
  return `Every address was tried: ${redactText(list.join(", "))}.`;
}

function pushConnection(found: string[], connection: NonNullable<FailureContext["connection"]>, area: string): void {
  const { ageMs, bytesReadSince, bytesRead, silentMs, pausedMs, lastWords } = connection;
  if (pausedMs !== undefined)
    found.push(`This process stood still for at least ${formatDuration(pausedMs)} before that.`);
  if (ageMs === undefined) return;
  const age = `The connection was ${formatDuration(ageMs)} old`;
  if (bytesReadSince !== undefined) {
    const unit = bytesReadSince === 1 ? "byte" : "bytes";
    found.push(`${age} and ${String(bytesReadSince)} ${unit} came back since the command was written.`);
  } else if (bytesRead === 0) {
    // An alert of TLS, or words on the connection before, say more than that.
    if (area === "network" && lastWords === undefined) found.push(`${age} and had not received a single byte.`);
  } else if (silentMs !== undefined && silentMs >= 1000)
    found.push(`${age} and had been silent for ${formatDuration(silentMs)}.`);
}

/** The first wrapped error that says something else than the error around it. */
function innerReply(views: readonly View[]): string | undefined {
  const [root, ...rest] = views;
  const inner = rest.find(
    (view) => view.message !== "" && view.address === undefined && root?.message.includes(view.message) !== true,
  );
  if (inner === undefined) return undefined;
  return `Caused by: ${ended(redactText(inner.message, 160))}`;
}

/** Another's words, at the end of a sentence of ours. */
function ended(words: string): string {
  return /[.!?…]$/.test(words) ? words : `${words}.`;
}
