/** Installs Debian packages where that is safe: root on Debian or Ubuntu, without starting a service. */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";

/** Debian starts a service when its package is installed, unless this file forbids it: port 6379 is not ours to take. */
const POLICY = "/usr/sbin/policy-rc.d";

/** Whether this user may install packages here. */
export function canInstall() {
  return process.platform === "linux" && existsSync("/usr/bin/apt-get") && process.getuid?.() === 0;
}

/**
 * @param {readonly string[]} packages
 * @returns {string | undefined} what went wrong, or undefined when all of them are there
 */
export function install(packages) {
  const forbid = !existsSync(POLICY);
  if (forbid) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    const update = apt(["update"]);
    const done = apt(["install", "-y", "--no-install-recommends", ...packages]);
    return done.status === 0 ? undefined : `${update.stderr ?? ""}${done.stderr ?? ""}`.trim();
  } finally {
    if (forbid) rmSync(POLICY, { force: true });
  }
}

/** @param {readonly string[]} args */
function apt(args) {
  return spawnSync("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}
