/** Pre-flight of the commands an application names: may this user run them? Asked by ACL DRYRUN; nothing is executed. */
import type { Check, Context } from "../check.js";
import { cliOf } from "../commands.js";
import { failed, ok, skip, type Draft } from "../finding.js";
import type { Reply } from "../wire/resp.js";
import { errorOf, textOf, type RespClient } from "../wire/resp-client.js";

/** Whether the user may run what the application runs. */
export const permissionsCheck: Check = {
  id: "permissions",
  title: "Permissions",
  topic: "4.1 Passwords and ACL",
  needs: ["session"],
  deadline: 2000,
  run,
};

async function run(context: Context): Promise<readonly Draft[]> {
  const { client } = context.seen;
  const { commands } = context.options;
  if (client === undefined || commands.length === 0)
    return [skip("no command was named", "Name those the application uses with --commands.")];
  const user = context.target.username ?? "default";
  const [line = "", ...others] = commands;
  // Where the first question is refused, the others would only be refused as well
  const first = await dryRun(client, user, line);
  const unable = errorOf(first.reply);
  if (unable !== undefined && /NOPERM|unknown (?:sub)?command/i.test(unable)) {
    return [
      {
        ...skip(
          `ACL DRYRUN: ${context.clean(unable, 120)}`,
          "This user may not ask, or the server is older than 7.0; a skip is not a pass.",
        ),
        next: [
          // The name only: arguments are values, and this report is sent around.
          {
            say: "Ask as an administrator, with the arguments that the application sends (healthy: OK)",
            run: `${cliOf(context)} acl dryrun ${user} ${first.name} ARGUMENTS`,
          },
        ],
      },
    ];
  }
  const asked = [first, ...(await Promise.all(others.map((one) => dryRun(client, user, one))))];
  const denied = asked.filter(({ reply }) => reply !== "OK");
  if (denied.length === 0)
    return [
      ok(
        `${user} may run ${asked.map((one) => one.name).join(", ")}`,
        "Every command the application named is allowed.",
      ),
    ];
  const words = denied.map(({ name, reply }) =>
    context.clean(errorOf(reply) ?? textOf(reply) ?? `${name}: refused`, 100),
  );
  const diagnosis = context.classify("NOPERM this user has no permissions", { command: denied[0]?.name });
  return [
    failed(diagnosis, words.join("; "), {
      meaning: `User ${user} may not run ${denied.map((one) => one.name).join(", ")} as the application does.`,
      next: [
        {
          say: "As an administrator: see which commands and keys it has, then grant what is missing",
          run: `${cliOf({ ...context, target: { ...context.target, username: undefined } })} acl getuser ${user}`,
        },
        ...diagnosis.next.slice(1),
      ],
    }),
  ];
}

/** A bare name is filled up to the number of arguments it needs. */
async function dryRun(
  client: RespClient,
  user: string,
  line: string,
): Promise<{ readonly name: string; readonly reply: Reply }> {
  const words = line.trim().split(/\s+/);
  const [name = "PING", ...args] = words;
  const wanted = args.length > 0 ? args : await samples(client, name);
  return { name: name.toUpperCase(), reply: await client.send("ACL", "DRYRUN", user, name, ...wanted) };
}

async function samples(client: RespClient, name: string): Promise<string[]> {
  const reply = await client.send("COMMAND", "INFO", name);
  const [entry] = Array.isArray(reply) ? (reply as readonly Reply[]) : [];
  const arity = Array.isArray(entry) ? (entry as readonly Reply[])[1] : undefined;
  return Array.from({ length: Math.max(0, Math.abs(typeof arity === "number" ? arity : 1) - 1) }, () => "1");
}
