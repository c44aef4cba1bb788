/**
 * docs/policy.md cannot go stale: its tables are what the code says, and its examples run. To renew the tables after a change run
 * this file with UPDATE_DOCS=1.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { boundsOf } from "../../src/policy/bounds.js";
import { POLICY_VARIABLES } from "../../src/policy/environment/policy-variables.js";
import { FIELDS, variableOf } from "../../src/policy/fields.js";
import { formatValue } from "../../src/policy/explain-policy.js";
import { flatten } from "../../src/policy/layers.js";
import { BASE, profileNamed } from "../../src/policy/profiles.js";
import { PROFILE_NAMES } from "../../src/policy/shape.js";
import { PROVIDER_HOSTS } from "../../src/failure/provider.js";
import { PROVIDERS } from "../../src/policy/providers.js";
import { resolvePolicy } from "../../src/policy/resolve.js";
import { CONNECTION_VARIABLES } from "../../src/policy/environment/variables.js";

const HOSTS: Readonly<Record<string, RegExp>> = PROVIDER_HOSTS;
const DOC = new URL("../../docs/policy.md", import.meta.url);
const base = flatten(BASE);

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(row)].join("\n");
}

function defaultOf(path: string): string {
  if (path === "provider") return "by host name";
  if (path === "breaker.downAfter") return "the deadline";
  const value = base.get(path);
  return value === true ? "on" : formatValue(path, value);
}

function optionsTable(): string {
  const rows = FIELDS.map((field) => {
    const variable = variableOf(field.path);
    const what = field.choices === undefined ? "" : ` One of ${field.choices.map((c) => `\`${c}\``).join(", ")}.`;
    const off = field.off === true ? " `false`: off." : "";
    return [
      `\`${field.path}\``,
      defaultOf(field.path),
      POLICY_VARIABLES.includes(variable) ? `\`${variable}\`` : "",
      field.says + what + off,
    ];
  });
  return table(["option", "default", "variable", "what it is"], rows);
}

function profilesTable(): string {
  const names = PROFILE_NAMES.filter((name) => name !== "production" && name !== "staging");
  const values = names.map((name) => {
    const profile = profileNamed(name);
    const connection = Object.entries(profile?.connection ?? {}).map(
      ([key, value]) => [`connection.${key}`, value] as const,
    );
    return new Map([...flatten(profile?.values ?? {}), ...connection]);
  });
  const paths = [...FIELDS.map((f) => f.path), "connection.lazyConnect", "connection.unref"].filter(
    (path) =>
      values.some((v) => v.has(path) && v.get(path) !== true) ||
      (path.startsWith("connection.") && values.some((v) => v.has(path))),
  );
  const rows = paths.map((path) => [
    `\`${path}\``,
    base.has(path) ? defaultOf(path) : "",
    ...values.map((v) =>
      v.has(path) && (v.get(path) !== true || path.startsWith("connection.")) ? formatValue(path, v.get(path)) : "",
    ),
  ]);
  return table(["", "production", ...names], rows);
}

const TABLES: readonly (readonly [string, () => string])[] = [
  ["options", optionsTable],
  ["profiles", profilesTable],
  [
    "variables",
    () =>
      table(
        ["variable", "what it is"],
        Object.entries(CONNECTION_VARIABLES).map(([name, says]) => [`\`${name}\``, says]),
      ),
  ],
  [
    "providers",
    () =>
      table(
        ["preset", "hosts", "sets", "known", "sources"],
        PROVIDERS.map((p) => [
          `\`${p.name}\` ${p.label}`,
          p.name in HOSTS ? `\`${HOSTS[p.name]?.source ?? ""}\`` : "by name only",
          [...flatten(p.values), ...Object.entries(p.connection).map(([key, value]) => [key, value] as const)]
            .filter(([path, value]) => value !== true || path === "tls")
            .map(([path, value]) => `\`${path}\` ${formatValue(path, value)}`)
            .join(", "),
          p.notes.join(" "),
          p.sources.map((url, i) => `[${i + 1}](${url})`).join(" "),
        ]),
      ),
  ],
];

describe("docs/policy.md", () => {
  if (process.env["UPDATE_DOCS"] === "1") {
    const text = TABLES.reduce(
      (doc, [name, make]) =>
        doc.replace(section(name), () => `<!-- ${name}:begin -->\n\n${make()}\n\n<!-- ${name}:end -->`),
      readFileSync(DOC, "utf8"),
    );
    writeFileSync(DOC, text);
  }
  const doc = readFileSync(DOC, "utf8");

  it.each(TABLES)("has the table of %s that the code has", (name, make) => {
    expect(section(name).exec(doc)?.[1]?.trim()).toBe(make());
  });

  it("names every option, every variable and every profile", () => {
    const missing = [
      ...FIELDS.map((f) => f.path),
      ...POLICY_VARIABLES,
      ...Object.keys(CONNECTION_VARIABLES),
      ...PROFILE_NAMES,
    ].filter((name) => !doc.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });

  it("names no variable that does not exist", () => {
    const known = new Set([...POLICY_VARIABLES, ...Object.keys(CONNECTION_VARIABLES)]);
    const named = [...doc.matchAll(/`(?:CACHE_)?((?:REDIS|IOREDOUBT)_[A-Z_]+)`/g)].map((m) => m[1] ?? "");
    const unknown = named.filter(
      (name) => !known.has(name) && !["REDIS_", "IOREDOUBT_", "REDIS_PASS", "REDIS_URI"].includes(name),
    );
    expect(unknown).toEqual([]);
  });

  it("gives reasons whose numbers are the defaults", () => {
    const policy = resolvePolicy({}, {}, {});
    expect(policy).toMatchObject({
      deadline: 5000,
      retry: { retries: 3, minTimeout: 50, maxTimeout: 1000, budget: { tokens: 100, refill: 0.1 } },
      breaker: {
        downAfter: 5000,
        errorThresholdPercentage: 50,
        volumeThreshold: 20,
        rollingCountTimeout: 10_000,
        resetTimeout: 5000,
        maxResetTimeout: 15_000,
      },
      queue: { maxCommands: 10_000, maxBytes: 16 * 1024 ** 2 },
      reconnect: { minTimeout: 50, maxTimeout: 1000, stableAfter: 5000, handshakeTimeout: 3000 },
      heartbeat: { interval: 15_000, timeout: 5000 },
      pool: { size: 1, min: 0, max: 10, acquireTimeout: 1000, idleTimeout: 30_000, maxLifetime: 1_800_000 },
      summaryInterval: 30_000,
    });
    expect(boundsOf(policy).longestBackoff / 2).toBe(175);
    for (const heading of [
      "deadline 5 s",
      "retry 3 times, 50 ms to 1 s",
      "retry.budget 100 / 0.1",
      "breaker.downAfter as long as the deadline",
    ]) {
      expect(doc).toContain(`**${heading}**`);
    }
  });
});

function section(name: string): RegExp {
  return new RegExp(`<!-- ${name}:begin -->([\\s\\S]*?)<!-- ${name}:end -->`);
}
