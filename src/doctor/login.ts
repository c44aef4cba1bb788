/** Asks the function that gives a target's credentials, once, and puts what it gives where user and password stand. */
import { ask, Failure } from "../credentials/asking.js";
import type { CredentialsEndpoint } from "../credentials/provider.js";
import type { ConfigProblem } from "../failure/errors.js";
import type { TargetOptions } from "./target.js";

/** What the options are with the login in them, and what is wrong with the function. Never rejects. */
export async function withLogin(
  options: TargetOptions,
  timeout: number,
): Promise<{ readonly options: TargetOptions; readonly problems: readonly ConfigProblem[] }> {
  const { credentials } = options;
  // What is no function is told of as a wrong option.
  if (typeof credentials !== "function") return { options, problems: [] };
  const request = { reason: "connect", endpoint: endpointOf(options) } as const;
  const given = await ask(credentials, request, timeout, new AbortController());
  if (given instanceof Failure) {
    const allowed = "must give a login: call it in a script of its own and look at what it does";
    return { options, problems: [{ path: "credentials", given: `is a function that ${given.what}`, allowed }] };
  }
  const { auth } = given;
  const [username, password] = typeof auth === "string" ? [undefined, auth] : auth;
  return { options: { ...options, username, password }, problems: [] };
}

function endpointOf({ host, port, path, sentinels, name }: TargetOptions): CredentialsEndpoint {
  if (sentinels !== undefined) return { sentinelName: name, isSentinel: false };
  return path === undefined
    ? { host: host ?? "localhost", port: Number(port ?? 6379), isSentinel: false }
    : { path, isSentinel: false };
}
