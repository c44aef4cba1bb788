/** What the health checks of the server have in common: they need a session, share one reading, and skip with the reason. */
import type { Check, Context } from "../check.js";
import { denied, type Draft } from "../finding.js";
import { readServerFacts, type ServerFacts } from "../server-facts.js";
import type { Topic } from "../topics.js";

/** A health check of the server; `judge` gets what the server told. */
export interface ServerCheck {
  readonly id: string;
  readonly title: string;
  readonly topic: Topic;
  readonly judge: (facts: ServerFacts, context: Context) => readonly Draft[] | Promise<readonly Draft[]>;
}

/** A check that needs a session and the server's facts; it skips with the reason where the user may not ask. */
export function serverCheck({ id, title, topic, judge }: ServerCheck): Check {
  return {
    id,
    title,
    topic,
    needs: ["session"],
    // How slow the answers are is told first, should the run's time end
    after: ["topology", "answers"],
    deadline: 3000,
    run: async (context) => {
      const { client } = context.seen;
      if (client === undefined) return [];
      context.seen.facts ??= readServerFacts(client, context.seen.hello.get("version"));
      const facts = await context.seen.facts;
      const refused = facts.refused.get("INFO");
      if (refused !== undefined) {
        return [denied(`INFO: ${context.clean(refused, 120)}`)];
      }
      return judge(facts, context);
    },
  };
}
