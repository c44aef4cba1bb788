/** Passwords, permissions and limits: the server is well and does not let this client do what it wants. */
import type { Entry } from "./entry.js";

const BASE = { area: "access", severity: "fatal", retryable: false, breaker: "none", applied: "refused" } as const;

/** Passwords, permissions and protected mode. */
export const ACCESS: readonly Entry[] = [
  {
    ...BASE,
    code: "AUTH_REQUIRED",
    name: "password required",
    title: "{target} requires a password, and this client sent none.",
    why: [
      "No password is set in the URL or the options.",
      "The environment variable that should hold the URL is missing in this environment.",
      "A password was set on the server (requirepass, ACL) and clients were not told.",
    ],
    next: [
      {
        say: "Try by hand; it asks for the password (healthy: PONG; NOAUTH or WRONGPASS: the server expects another password)",
        run: "{login} ping",
      },
      "Set the password from a secret store or environment variable, not in the code.",
      {
        say: "See which values this process really uses (healthy: the values you meant, each with its origin; not found: run it in the application's directory)",
        run: "npx --no ioredoubt config",
      },
    ],
  },
  {
    ...BASE,
    code: "AUTH_WRONG",
    name: "wrong user or password",
    title: "{target} rejected the user name or password.",
    why: [
      "The password was rotated and this process still has the old one.",
      "The user is disabled, misspelt, or does not exist on this server.",
      { say: "A user name was given to a server that knows only the default user.", when: "user" },
      "A special character in the URL was not percent-encoded.",
    ],
    next: [
      {
        say: "Try by hand; it asks for the password (healthy: a name, or NOPERM: the login is right; WRONGPASS: the server expects another password)",
        run: "{login} acl whoami",
      },
      {
        say: "On the server: is the user there and enabled (healthy: flags with on; nil: no such user)?",
        run: "redis-cli acl getuser {user}",
      },
      "In a URL, encode the password with encodeURIComponent.",
    ],
  },
  {
    ...BASE,
    severity: "warn",
    code: "AUTH_NOT_CONFIGURED",
    name: "password not needed",
    title: "This client sent a password and {target} has none set.",
    why: [
      "The server was started without its configuration file, so requirepass is not set.",
      "The client points at another, open server.",
      "A user name was sent to Redis 5 or older, which knows only passwords.",
    ],
    next: [
      {
        say: "See whether the server was started with its file (healthy: a path; an empty value: it runs without a file)",
        run: "{cli} info server | grep config_file",
      },
      { say: "See whether it is open to all (nopass in the flags: open to all)", run: "{cli} acl getuser default" },
    ],
  },
  {
    ...BASE,
    applied: "never",
    code: "CREDENTIALS_FAILED",
    name: "no credentials from the provider",
    title: "The function in the option `credentials` gave nothing to log in to {target} with.",
    why: [
      "The service behind it (identity service, vault, metadata endpoint) does not answer or refuses this process.",
      "The mounted secret is missing, empty or not readable for this process.",
      "It hands out what has expired, or `expiresAt` is in seconds instead of milliseconds.",
      "The clock of this machine is wrong.",
    ],
    next: [
      "Call the function in a script of its own and look at what it does; this package shows nothing of what it throws or returns.",
      {
        say: "See whether the clock is right (System clock synchronized: yes is well)",
        run: "timedatectl",
        when: "systemd",
      },
      {
        say: "For a mounted secret: see whether it is there (a line for each file is well; Permission denied: it belongs to another user)",
        run: "ls -lL FILE",
      },
    ],
  },
  {
    ...BASE,
    severity: "error",
    code: "PERMISSION_DENIED",
    name: "no permission",
    title: "The user may not run {command} here.",
    why: [
      "The user's ACL lacks the command or its category.",
      "The key or channel does not match the user's patterns (mind the keyPrefix).",
      "This process logs in as another user than you think (default instead of its own).",
    ],
    next: [
      {
        say: "See who you are there (healthy: the user you meant; NOPERM: the login is right, and the user may not ask; default: this client does not log in as anybody)",
        run: "{cli} acl whoami",
      },
      { say: "See the user's rules (healthy: flags with on; nil: no such user)", run: "redis-cli acl getuser {user}" },
      {
        say: "See what was refused last (each entry names the user, and the command, key or channel that is missing)",
        run: "redis-cli acl log 5",
      },
    ],
  },
  {
    ...BASE,
    code: "PROTECTED_MODE",
    name: "protected mode",
    title: "{target} runs in protected mode and refuses other machines.",
    why: [
      "redis-server has neither a password nor a `bind` line, and this client comes from another machine or container.",
    ],
    next: [
      {
        say: "On the server, set a password for the default user (healthy: OK; clients must send the password from then on)",
        run: "redis-cli acl setuser default on '>PASSWORD'",
      },
      {
        say: "Then bind it to the private address in redis.conf (healthy: a bind line with the private address; none: it listens everywhere)",
        run: "grep -nE '^(bind|protected-mode|requirepass)' /etc/redis/redis.conf",
      },
    ],
  },
];
