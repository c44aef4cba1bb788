/** Says once, before the first test, which tests this machine cannot run and why: a skip must not pass unnoticed. */
import {
  whyNoDualStack,
  whyNoIPv6,
  whyNoIsolation,
  whyNoNamespace,
  whyNoOwnAddress,
  whyNoSmallDisk,
} from "./abilities.js";

export default async function nameSkips(): Promise<void> {
  const groups: readonly (readonly [string, string | undefined])[] = [
    ["across a network, with a firewall", whyNoNamespace()],
    ["in a network of one's own", whyNoIsolation()],
    ["under an address beside loopback", whyNoOwnAddress()],
    ["over IPv6", whyNoIPv6()],
    ["over both IP families", await whyNoDualStack()],
    ["on a full disk", whyNoSmallDisk()],
  ];
  for (const [what, reason] of groups) if (reason !== undefined) console.log(`Skipped here, tests ${what}: ${reason}.`);
}
