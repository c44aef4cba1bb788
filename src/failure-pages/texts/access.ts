/** Passwords, permissions and limits: the long texts of the pages. */
import type { Page } from "../page.js";

/** Passwords, permissions and protected mode. */
export const ACCESS = {
  AUTH_REQUIRED: {
    means: "The server refused before executing anything.",
    findOut: [{ say: "On the server: who may log in?", run: "redis-cli acl list" }],
    fix: ["Pass `password` (and `username` for ACL users).", "Sentinel has a password of its own: `sentinelPassword`."],
    prevent: ["Give each service its own ACL user.", "Check credentials at deployment."],
    examples: [
      "NOAUTH Authentication required.",
      "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used",
    ],
  },
  AUTH_WRONG: {
    means: "The server refused the login and executed nothing. It does not say which of the two is wrong.",
    findOut: [{ say: "On the server: recent refusals, with user and address", run: "redis-cli acl log 10" }],
    fix: [
      "Give the process the current password and restart it, or use a credential provider that reads it again.",
      "Enable the user: `ACL SETUSER name on`.",
    ],
    prevent: ["Rotate with two valid passwords: ACL users may have several.", "Alert on ACL LOG."],
    examples: ["WRONGPASS invalid username-password pair or user is disabled.", "ERR invalid password"],
  },
  AUTH_NOT_CONFIGURED: {
    means: "The server refused the AUTH command. Other commands work, which is the worrying part: anybody can use it.",
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
  CREDENTIALS_FAILED: {
    means:
      "The provider threw, did not answer in time, or answered with something that is no login or has expired. Nothing was sent. Connections that are open keep the login they have; new ones are not made without one, and the provider is asked again, with growing pauses.",
    findOut: [
      "The message says what it did: threw (with the system's own word for it, if there is one), did not answer, returned something else.",
      "Log inside the provider: only there is it known what is secret.",
    ],
    fix: [
      "Make the service that it asks reachable, or give this process the right to ask it.",
      "Return `{ username, password, expiresAt }`: a text that is not empty, and milliseconds since 1970 or a Date that lies in the future.",
    ],
    prevent: [
      "Answer within a few seconds, and pass `signal` on to what you call: it aborts when the answer comes too late.",
      "Let new credentials overlap with old ones, so that there is time to ask again.",
    ],
    examples: [
      "the credentials provider fromVault did not answer within 10 s",
      "the credentials provider fromVault threw an error (ECONNREFUSED)",
    ],
  },
  PERMISSION_DENIED: {
    means:
      "The login is fine; the ACL rules of this user do not allow this command, key or channel. It was not executed.",
    findOut: [
      {
        say: "Would a command be allowed (OK, or what is missing)? Give it all its arguments: it is not executed",
        run: "redis-cli acl dryrun app set KEY VALUE",
      },
    ],
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
  PROTECTED_MODE: {
    means: "Redis has no password and is therefore open to its own machine only. Nothing was executed.",
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
} as const satisfies Readonly<Record<string, Page>>;
