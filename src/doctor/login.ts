/** Asks the functions that give a target's credentials, once each, and puts what they give where user and password stand. */
import { ask, Failure } from "../credentials/asking.js";
import type { Auth } from "../credentials/login.js";
import type { CredentialsEndpoint, CredentialsProvider } from "../credentials/provider.js";
import type { ConfigProblem } from "../failure/errors.js";
import type { TargetOptions } from "./target.js";

interface Answer {
  /** What the options have in their place. */
  readonly login: Partial<TargetOptions>;
  readonly problems: readonly ConfigProblem[];
}

const NOT_ASKED: Answer = { login: {}, problems: [] };

/** What the options are with the logins in them, and what is wrong with the functions. Never rejects. */
export async function withLogin(
  options: TargetOptions,
  timeout: number,
): Promise<{ readonly options: TargetOptions; readonly problems: readonly ConfigProblem[] }> {
  const { credentials, sentinelCredentials, sentinels, name } = options;
  const answers = await Promise.all([
    answerOf("credentials", credentials, endpointOf(options), timeout, ([username, password]) => ({
      username,
      password,
    })),
    sentinels === undefined
      ? NOT_ASKED
      : answerOf(
          "sentinelCredentials",
          sentinelCredentials,
          { sentinelName: name, isSentinel: true },
          timeout,
          ([sentinelUsername, sentinelPassword]) => ({ sentinelUsername, sentinelPassword }),
        ),
  ]);
  return {
    options: answers.reduce<TargetOptions>((all, { login }) => ({ ...all, ...login }), options),
    problems: answers.flatMap(({ problems }) => problems),
  };
}

async function answerOf(
  path: string,
  provider: CredentialsProvider | undefined,
  endpoint: CredentialsEndpoint,
  timeout: number,
  asOptions: (login: readonly [string | undefined, string]) => Partial<TargetOptions>,
): Promise<Answer> {
  // What is no function is told of as a wrong option.
  if (typeof provider !== "function") return NOT_ASKED;
  const given = await ask(provider, { reason: "connect", endpoint }, timeout, new AbortController(), true);
  if (given instanceof Failure) {
    const allowed = "must give a login: call it in a script of its own and look at what it does";
    return { login: {}, problems: [{ path, given: `is a function that ${given.what}`, allowed }] };
  }
  return { login: asOptions(pairOf(given.auth)), problems: [] };
}

function pairOf(auth: Auth): readonly [string | undefined, string] {
  return typeof auth === "string" ? [undefined, auth] : auth;
}

function endpointOf({ host, port, path, sentinels, name }: TargetOptions): CredentialsEndpoint {
  if (sentinels !== undefined) return { sentinelName: name, isSentinel: false };
  return path === undefined
    ? { host: host ?? "localhost", port: Number(port ?? 6379), isSentinel: false }
    : { path, isSentinel: false };
}
