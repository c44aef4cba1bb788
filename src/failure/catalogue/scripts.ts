/** Lua scripts and functions: the server is well, the script is missing or wrong. */
import type { Entry } from "./entry.js";

const BASE = { area: "usage", severity: "info", retryable: false, breaker: "none", applied: "refused" } as const;

export const SCRIPTS: readonly Entry[] = [
  {
    ...BASE,
    code: "NO_SCRIPT",
    name: "script not loaded",
    title: "The server does not have this script.",
    means: "EVALSHA names a script by its digest, and the cache does not hold it. Nothing was executed.",
    why: [
      "The server was restarted or failed over: the script cache is not persistent.",
      "Somebody ran SCRIPT FLUSH.",
      "EVALSHA was called directly: only commands of defineCommand load their script again.",
    ],
    next: ["Use defineCommand: it falls back to EVAL.", { say: "Is it there?", run: "{cli} script exists SHA" }],
    findOut: [{ say: "Was the server restarted?", run: "{cli} info server | grep uptime_in_seconds" }],
    fix: ["Send EVAL once, or SCRIPT LOAD before the pipeline."],
    prevent: ["Do not rely on the script cache; functions (Redis 7) are persistent."],
    examples: ["NOSCRIPT No matching script. Please use EVAL."],
  },
  {
    ...BASE,
    applied: "lost",
    code: "SCRIPT_FAILED",
    name: "script failed",
    title: "A Lua script or function failed.",
    means: "The script stopped with an error. What it had written before stays written: scripts are not rolled back.",
    why: [
      "An error in the script: a nil value, a wrong key, a global variable.",
      "A command inside it failed.",
      "It was killed by SCRIPT KILL.",
    ],
    next: [
      "Read the line number in the message; the cause stands before it.",
      { say: "Run it step by step", run: "redis-cli --ldb --eval script.lua KEY , ARG" },
    ],
    findOut: ["An error that names a command inside (WRONGTYPE, OOM …) is about that command."],
    fix: ["Correct the script. Check arguments before the first write, so that it fails before it changes anything."],
    prevent: ["Use redis.pcall where an error is expected, and test scripts."],
    examples: [
      "ERR user_script:1: Script attempted to access nonexistent global variable 'x' script: 7e5c0ac0ec7bdd3a6f6d2c7f8d3c8f0e9b6b2a11, on @user_script:1.",
      "ERR Error running script (call to f_7e5c0ac0ec7bdd3a6f6d2c7f8d3c8f0e9b6b2a11): @user_script:1: user_script:1: attempt to index a nil value",
      "ERR Error compiling script (new function): user_script:1: '=' expected near 'x'",
    ],
  },
];
