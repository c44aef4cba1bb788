/**
 * Asks a provider once, in bounded time. Whatever it does, it is answered by a login or by a `Failure` whose words hold nothing
 * of what it returned or threw: its error may hold a token, a request or the secret itself.
 */
import { constants } from "node:os";
import { withinAwake } from "../awake-timeout.js";
import { formatDuration } from "../format.js";
import { Login } from "./login.js";
import type { CredentialsProvider, CredentialsRequest } from "./provider.js";

/** What a provider did instead of answering, in words that follow its name. */
export class Failure {
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

const LATE = Symbol("late");

/**
 * `limit`: how long it may take, in milliseconds in which this process runs. `controller` aborts the request's signal when that is over.
 * `isWaitedFor`: the process must not end meanwhile. Never rejects.
 */
export async function ask(
  provider: CredentialsProvider,
  request: Omit<CredentialsRequest, "signal">,
  limit: number,
  controller: AbortController,
  isWaitedFor = false,
): Promise<Login | Failure> {
  try {
    const { signal } = controller;
    const asked = (async () => provider({ ...request, signal }))();
    const answer: unknown = await withinAwake(Promise.race([asked, aborted(signal)]), limit, () => LATE, isWaitedFor);
    if (answer === LATE) {
      controller.abort();
      return new Failure(`did not answer within ${formatDuration(limit)}`);
    }
    const login = Login.from(answer);
    return login instanceof Login ? login : new Failure(login.wrong);
  } catch (thrown) {
    return new Failure(`threw ${kindOf(thrown)}`);
  }
}

/** Rejects as soon as nobody waits any more: a provider need not look at its signal. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("nobody waits any more")), { once: true });
  });
}

const SYSTEM: ReadonlySet<unknown> = new Set([...Object.keys(constants.errno), "ENOTFOUND", "EAI_AGAIN"]);

/** The operating system's own word for what went wrong, from a list of such words; of anything else only that it was thrown. */
function kindOf(thrown: unknown): string {
  let code: unknown;
  try {
    code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  } catch {
    // An error may be anything, a proxy too.
  }
  if (typeof code === "string" && SYSTEM.has(code)) return `an error (${code})`;
  return thrown instanceof Error ? "an error" : "something that is no error";
}
