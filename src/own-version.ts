/** The version of this package, from the package.json above this file, wherever the build put it. */
import { readFileSync } from "node:fs";

const LEVELS = ["./", "../", "../../", "../../../"];

/** The version, or `unknown` where the package.json is not found. */
export function ownVersion(): string {
  for (const level of LEVELS) {
    try {
      const text = readFileSync(new URL(`${level}package.json`, import.meta.url), "utf8");
      const { name, version } = JSON.parse(text) as { readonly name?: unknown; readonly version?: unknown };
      if (name === "ioredoubt") return String(version);
    } catch {
      // It is further up.
    }
  }
  return "unknown";
}
