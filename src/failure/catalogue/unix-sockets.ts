/** Failures to reach a server by the path of its unix socket. */
import type { Entry } from "./entry.js";

const BASE = { area: "network", severity: "error", retryable: true, breaker: "read-write", applied: "never" } as const;

export const UNIX_SOCKETS: readonly Entry[] = [
  {
    ...BASE,
    code: "SOCKET_PERMISSION",
    name: "not allowed to connect",
    title: "The operating system does not let this process connect to {target}.",
    severity: "fatal",
    retryable: false,
    breaker: "none",
    means:
      "The local kernel refused. For a unix socket its file permissions decide; for TCP a sandbox or security policy does. The command was not sent.",
    why: [
      { say: "This user may not write to the socket file (Debian creates it for the group redis).", when: "unix" },
      { say: "A directory above the socket cannot be entered by this user.", when: "unix" },
      { say: "A sandbox (systemd hardening, SELinux, AppArmor, seccomp) forbids the connection.", when: "tcp" },
    ],
    next: [
      { say: "See who may use the socket", run: "ls -l {path}", when: "unix" },
      { say: "See each directory on the way", run: "namei -l {path}", when: "unix" },
      {
        say: "Look for a denial by SELinux or AppArmor",
        run: "journalctl -k --since -10min | grep -iE 'denied|apparmor'",
        when: ["tcp", "systemd"],
      },
    ],
    findOut: [
      { say: "Which user and groups has the process?", run: "id" },
      { say: "Which mode does the server give its socket?", run: "grep -E '^unixsocket' /etc/redis/redis.conf" },
    ],
    fix: [
      { say: "Let the application's user in", run: "usermod -aG redis APP_USER" },
      "Set `unixsocketperm 770` in redis.conf, so that the group may connect, and restart both.",
      "Sandbox: allow AF_INET and the port in the unit or policy.",
    ],
    prevent: ["Keep the socket in a directory of its own with the right group, for example /run/redis."],
    examples: ["connect EACCES /run/redis/redis.sock", "connect EPERM 127.0.0.1:6379"],
  },
  {
    ...BASE,
    code: "SOCKET_MISSING",
    name: "socket file missing",
    title: "There is no socket file at {target}.",
    means: "The path does not exist, so no server can be listening there. The command was not sent.",
    why: [
      "redis-server is not running.",
      "redis.conf sets no `unixsocket`, or another path.",
      { say: "The socket's directory is not mounted into this container.", when: "container" },
    ],
    next: [
      { say: "See which sockets redis-server has", run: "ss -lxp | grep redis", when: "linux" },
      { say: "See which sockets redis-server has", run: "lsof -U | grep redis", when: "mac" },
      { say: "See what the configuration says", run: "grep -E '^unixsocket' /etc/redis/redis.conf" },
      { say: "See whether the service runs", run: "systemctl status redis-server", when: "systemd" },
      { say: "See whether the service runs", run: "brew services info redis", when: "mac" },
    ],
    findOut: [{ say: "Does the directory exist?", run: "namei -l {path}" }],
    fix: [
      "Set `unixsocket` in redis.conf to the path the client uses, and restart.",
      "Container: mount the directory of the socket, not the socket file, so that a restart of Redis does not leave a dead file.",
    ],
    prevent: ["Keep the path in one place that both sides read."],
    examples: ["connect ENOENT /run/redis/redis.sock"],
  },
];
