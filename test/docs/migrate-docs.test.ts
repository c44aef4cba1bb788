/** The code in docs/migrate.md does what the page says, and the codes that it names exist. */
import { readFileSync } from "node:fs";
import typescript from "typescript";
import { expect, it } from "vitest";
import { CODES } from "../../src/failure/codes.js";
import { CircuitOpenError, ClosedError, DeadlineError, OutcomeUnknownError } from "../../src/failure/errors.js";

const { ModuleKind, ScriptTarget, transpileModule } = typescript;
const page = readFileSync(new URL("../../docs/migrate.md", import.meta.url), "utf8");
const DIST = new URL("../../dist/index.mjs", import.meta.url).href;

interface Page {
  answerTo(error: unknown): { status: number; headers: Record<string, string> } | undefined;
}

async function code(): Promise<Page> {
  const source = /```ts\n([\s\S]+?)```/.exec(page)?.[1] ?? "";
  const { outputText } = transpileModule(source.replace('"ioredoubt"', JSON.stringify(DIST)), {
    compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ESNext },
  });
  return (await import(`data:text/javascript,${encodeURIComponent(outputText)}`)) as Page;
}

it("answers with 503 what was not executed, and with 504 what may have been", async () => {
  const { answerTo } = await code();
  expect(answerTo(new CircuitOpenError("open", 4200, {}))).toEqual({ status: 503, headers: { "Retry-After": "5" } });
  expect(answerTo(new DeadlineError("DEADLINE", "late", { applied: "no" }))).toMatchObject({ status: 503 });
  expect(answerTo(new ClosedError("CLIENT_CLOSED", "closed", {}))).toMatchObject({ status: 503 });
  expect(answerTo(new DeadlineError("DEADLINE", "late", { applied: "maybe" }))?.status).toBe(504);
  expect(answerTo(new OutcomeUnknownError("OUTCOME_UNKNOWN", "lost", { applied: "maybe" }))?.status).toBe(504);
  expect(answerTo(new Error("WRONGTYPE"))).toBeUndefined();
});

it("names codes that exist", () => {
  const named = [...page.matchAll(/`([A-Z]+_[A-Z_]+|DEADLINE|UNAVAILABLE)`/g)].map(([, name]) => name ?? "");
  const variables = named.filter((name) => name.startsWith("IOREDOUBT"));
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((name) => !variables.includes(name) && !(CODES as readonly string[]).includes(name))).toEqual([]);
});
