import { describe, expect, it } from "vitest";
import { isComputing } from "../../src/doctor/local/processes.js";
import { thisMachine, type Machine } from "../../src/doctor/machine.js";

/** A machine whose /proc shows these user and system times of a process, one look after the other. */
function watched(...looks: readonly (readonly [user: number, system: number])[]): Machine {
  const left = [...looks];
  const stat = (): string | undefined => {
    const [user, system] = left.shift() ?? [];
    if (user === undefined) return undefined;
    return `77 (redis) server) R 1 77 77 0 -1 4194560 900 0 0 0 ${String(user)} ${String(system)} 0 0 20 0 5 0`;
  };
  return { ...thisMachine({}), read: () => Promise.resolve(stat()) };
}

describe(isComputing, () => {
  it("is true for a process that uses processor time between two looks", async () => {
    expect(await isComputing(watched([10, 5], [12, 5]), 77)).toBe(true);
    expect(await isComputing(watched([10, 5], [11, 6]), 77)).toBe(true);
  });

  it("is false for one that is runnable and waits for a processor, however much it used before", async () => {
    expect(await isComputing(watched([9000, 500], [9000, 501]), 77)).toBe(false);
  });

  it("is false where nothing can be read", async () => {
    expect(await isComputing(watched(), 77)).toBe(false);
  });
});
