/**
 * The walls of this repository: who may import whom. `npm run lint:walls` checks every file under `src`, type imports included,
 * because a type that crosses a wall is a dependency too: it decides what can be read, moved and tested alone.
 *
 * Each folder is one layer. Nothing imports upwards:
 *
 *   command, failure, policy  →  engine, endpoint  →  ioredis, routing, lease, observe  →  client  →  cluster  →  redis.ts, cluster.ts
 *   →  metrics  →  otel, prometheus
 */

/** What a file of a folder is called, for any of the given folders. */
const folders = (...names) => `^src/(${names.join("|")})/`;

/** The npm packages ioredis and ioredis5, in whatever way they are found. */
const IOREDIS_PACKAGE = "(^|/)node_modules/ioredis5?/|^ioredis5?$";
/** What may exist at run time only: an import that TypeScript erases loads nothing. */
const ERASED = ["type-only"];

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-circles",
      comment:
        "Files that import each other, type imports included, are one file in several pieces: none can be read or tested alone. " +
        "Move what both need into a third, or declare a port where it is used.",
      severity: "error",
      from: { path: "^src/" },
      to: { circular: true },
    },
    {
      name: "facts-stand-alone",
      comment:
        "command, failure and policy hold facts and pure functions. They must not know who uses them, so that a simulation, the " +
        "doctor and the command line can use them without a client.",
      severity: "error",
      from: { path: folders("command", "failure", "policy") },
      to: { path: folders("engine", "endpoint", "ioredis", "routing", "lease", "observe", "client") },
    },
    {
      name: "credentials-know-no-client",
      comment:
        "credentials asks providers and remembers their answers. What a connection is, it knows by its own port (credentials/source.ts), so " +
        "that the doctor and the environment can use it without a client.",
      severity: "error",
      from: { path: folders("credentials") },
      to: { path: folders("engine", "ioredis", "routing", "lease", "observe", "client") },
    },
    {
      name: "engine-and-endpoint-know-ports-only",
      comment:
        "engine and endpoint decide who waits, who is sent again and what an outage is. They talk to engine/ports.ts, so that " +
        "one server, Sentinel and a simulation can stand behind the same ports.",
      severity: "error",
      from: { path: folders("engine", "endpoint") },
      to: { path: folders("ioredis", "routing", "lease", "client", "observe") },
    },
    {
      name: "sentinel-asks-sentinels-only",
      comment:
        "sentinel knows what Sentinels say and whom to believe. It dials no server and knows no client, so that it can be tested " +
        "with answers alone; src/ioredis is its user.",
      severity: "error",
      from: { path: folders("sentinel") },
      to: { path: folders("engine", "endpoint", "ioredis", "routing", "lease", "observe", "client", "policy") },
    },
    {
      name: "engine-runs-without-ioredis",
      comment:
        "engine never loads the npm package ioredis: the adapter in src/ioredis does. Its types may be named, they are erased.",
      severity: "error",
      from: { path: folders("engine") },
      to: { path: IOREDIS_PACKAGE, dependencyTypesNot: ERASED },
    },
    {
      name: "ioredis-has-one-door",
      comment:
        "The npm package ioredis is loaded by src/ioredis and the entry files only, so that one place obtains it and can be given " +
        "another copy. Elsewhere, import a type, or ask the adapter.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(ioredis/|(redis|cluster|cluster/batches|index)\\.ts$)" },
      to: { path: IOREDIS_PACKAGE, dependencyTypesNot: ERASED },
    },
    {
      name: "routing-and-lease-below-the-client",
      comment: "They get connections from the port `Connections`; who assembles them is none of their business.",
      severity: "error",
      from: { path: folders("routing", "lease") },
      to: { path: "^src/(redis\\.ts$|client/)" },
    },
    {
      name: "redis-is-the-top",
      comment:
        "redis.ts is the public class. Whoever below it imports it, even as a type, closes a circle through the whole house. Use " +
        "the port, or the ioredis type it is a subtype of.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(cluster|create-redis|index|redis|typed)\\.ts$" },
      to: { path: "^src/redis\\.ts$" },
    },
    {
      name: "core-loads-no-tools",
      comment:
        "The doctor, the command line and the long texts of failure-pages are read by few processes and must not load with every " +
        "client. One named dynamic import leads from an incident to the doctor: client/background-doctor.ts.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(doctor|cli|failure-pages)/" },
      to: { path: folders("doctor", "cli", "failure-pages"), dependencyTypesNot: ["dynamic-import"] },
    },
    {
      name: "one-dynamic-import-of-the-doctor",
      comment: "The exception of core-loads-no-tools, and the only one.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/((doctor|cli|failure-pages)/|client/background-doctor\\.ts$)" },
      to: { path: folders("doctor", "cli", "failure-pages"), dependencyTypes: ["dynamic-import"] },
    },
    {
      name: "publishers-are-leaves",
      comment:
        "Metrics, OpenTelemetry, Prometheus and the flag of register are entries of their own with packages of their own: no client " +
        "may need them. They read clients through client/live-clients.ts, and engine/tracer.ts is where a tracer is put.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(metrics|otel|prometheus|register)/" },
      to: { path: folders("metrics", "otel", "prometheus", "register") },
    },
    {
      name: "command-line-is-a-leaf",
      comment: "Nothing imports the command line; what others need of it belongs in doctor, policy or failure-pages.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/cli/" },
      to: { path: folders("cli") },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    includeOnly: ["^src/", IOREDIS_PACKAGE],
    // Type imports count. Left out, they would hide most circles.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
