/**
 * Makes sure that the tools are there with which tests make certificates and put a firewall between two machines; with `--more`
 * also those of `npm run test:more`. Says
 * nothing when they are; installs them where that is safe; otherwise says what is missing. It never fails: tests that need
 * a firewall are skipped where there is none, and named when the run starts (test/helpers/abilities.ts).
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { canInstall, install } from "./apt.mjs";

/** Command to the Debian package that has it. */
const TOOLS = new Map([
  ["openssl", "openssl"],
  ["ip", "iproute2"],
  ["iptables", "iptables"],
]);

if (process.argv.includes("--more")) for (const name of ["prometheus", "promtool"]) TOOLS.set(name, "prometheus");

/** @param {string} name */
function isThere(name) {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const missing = [...TOOLS.keys()].filter((name) => !isThere(name));
// Elsewhere than on Linux there are no namespaces to use them in
const wanted = process.platform === "linux" ? missing : missing.filter((name) => !name.startsWith("ip"));
if (wanted.length > 0) {
  const names = wanted.join(", ");
  if (canInstall()) {
    console.log(`Tools that tests use are missing (${names}): installing them with apt-get.`);
    const problem = install([...new Set(wanted.map((name) => TOOLS.get(name) ?? name))]);
    if (problem !== undefined) console.error(`apt-get could not install them.\n${problem}\n`);
  } else {
    console.log(`Tools that tests use are missing: ${names}.`);
  }
}
