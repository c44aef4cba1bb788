/** Passwords, permissions and limits: the server is well and does not let this client do what it wants. */
import type { Entry } from "./entry.js";

const BASE = { area: "access", severity: "fatal", retryable: false, breaker: "none", applied: "refused" } as const;

export const ACCESS: readonly Entry[] = [
  {
    ...BASE,
    code: "AUTH_REQUIRED",
    name: "password required",
    title: "{target} wants a password and this client gave none.",
    means: "The server refused before executing anything.",
    why: [
      "No password is set in the URL or the options.",
      "The environment variable that should hold the URL is missing in this environment.",
      "A password was set on the server (requirepass, ACL) and clients were not told.",
    ],
    next: [
      { say: "Try by hand; it asks for the password", run: "{login} ping" },
      "Set the password from a secret store or environment variable, not in the code.",
      { say: "See which values this process really uses", run: "npx ioredoubt config" },
    ],
    findOut: [{ say: "On the server: who may log in?", run: "redis-cli acl list" }],
    fix: ["Pass `password` (and `username` for ACL users).", "Sentinel has a password of its own: `sentinelPassword`."],
    prevent: ["Give each service its own ACL user.", "Check credentials at deployment."],
    examples: [
      "NOAUTH Authentication required.",
      "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used",
    ],
  },
  {
    ...BASE,
    code: "AUTH_WRONG",
    name: "wrong user or password",
    title: "{target} rejected the user name or password.",
    means: "The server refused the login and executed nothing. It does not say which of the two is wrong.",
    why: [
      "The password was rotated and this process still has the old one.",
      "The user is off, misspelt, or does not exist on this server.",
      { say: "A user name was given to a server that knows only the default user.", when: "user" },
      "A special character in the URL was not percent-encoded.",
    ],
    next: [
      { say: "Try by hand; it asks for the password", run: "{login} acl whoami" },
      { say: "On the server: is the user there and on?", run: "redis-cli acl getuser {user}" },
      "In a URL, encode the password with encodeURIComponent.",
    ],
    findOut: [{ say: "On the server: recent refusals, with user and address", run: "redis-cli acl log 10" }],
    fix: [
      "Give the process the current password and restart it, or use a credential provider that reads it again.",
      "Enable the user: `ACL SETUSER name on`.",
    ],
    prevent: ["Rotate with two valid passwords: ACL users may have several.", "Alert on ACL LOG."],
    examples: ["WRONGPASS invalid username-password pair or user is disabled.", "ERR invalid password"],
  },
  {
    ...BASE,
    severity: "warn",
    code: "AUTH_NOT_CONFIGURED",
    name: "password not needed",
    title: "This client sent a password and {target} has none set.",
    means: "The server refused the AUTH command. Other commands work, which is the worrying part: anybody can use it.",
    why: [
      "The server was started without its configuration file, so requirepass is not set.",
      "The client points at another, open server.",
      "A user name was sent to Redis 5 or older, which knows only passwords.",
    ],
    next: [
      { say: "See whether the server was started with its file", run: "{cli} info server | grep config_file" },
      { say: "See whether it is open to all", run: "{cli} acl getuser default" },
    ],
    findOut: [{ say: "Which server is it?", run: "{cli} info server" }],
    fix: [
      "Set a password on the server (`ACL SETUSER default` or requirepass), or take it out of the client.",
      "Point the client at the right server.",
    ],
    prevent: ["Start Redis with its configuration file, and check `protected-mode`."],
    examples: [
      "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
      "ERR Client sent AUTH, but no password is set",
    ],
  },
  {
    ...BASE,
    severity: "error",
    code: "PERMISSION_DENIED",
    name: "no permission",
    title: "The user may not run {command} here.",
    means:
      "The login is fine; the ACL rules of this user do not allow this command, key or channel. It was not executed.",
    why: [
      "The user's ACL lacks the command or its category.",
      "The key or channel does not match the user's patterns (mind the keyPrefix).",
      "This process logs in as another user than you think (default instead of its own).",
    ],
    next: [
      { say: "See who you are there", run: "{cli} acl whoami" },
      { say: "See the user's rules", run: "redis-cli acl getuser {user}" },
      { say: "Test without executing", run: "redis-cli acl dryrun {user} {command} KEY" },
    ],
    findOut: [{ say: "Recent refusals, with reason and object", run: "redis-cli acl log 10" }],
    fix: [
      "Grant what is missing: `ACL SETUSER name +command ~pattern`, then ACL SAVE or the ACL file.",
      "Do not use @all: grant what the service uses.",
    ],
    prevent: ["Run the test suite as the production user."],
    examples: [
      "NOPERM this user has no permissions to run the 'set' command",
      "NOPERM User app has no permissions to run the 'flushall' command",
      "NOPERM this user has no permissions to access one of the keys used as arguments",
    ],
  },
  {
    ...BASE,
    code: "PROTECTED_MODE",
    name: "protected mode",
    title: "{target} runs in protected mode and refuses other machines.",
    means: "Redis has no password and is therefore open to its own machine only. Nothing was executed.",
    why: [
      "redis-server has neither a password nor a `bind` line, and this client comes from another machine or container.",
    ],
    next: [
      {
        say: "On the server, set a password for the default user",
        run: "redis-cli acl setuser default on '>PASSWORD'",
      },
      {
        say: "Then bind it to the private address in redis.conf",
        run: "grep -nE '^(bind|protected-mode|requirepass)' /etc/redis/redis.conf",
      },
    ],
    findOut: [{ say: "What is set?", run: "redis-cli config get protected-mode" }],
    fix: [
      "Set a password or ACL users, bind to the private address, and open the firewall for the clients only.",
      "Switching protected mode off without a password makes the data public.",
    ],
    prevent: ["Never start Redis on a reachable address without a password."],
    examples: [
      "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user.",
    ],
  },
];
