import { describe, expect, it } from "vitest";
import type { Said } from "../../src/doctor/sentinel/said.js";
import { naming, replicaFor, whyNoFailover, withoutSuccessor } from "../../src/doctor/sentinel/set.js";

const fields = (text: string): Map<string, string> =>
  new Map(text.split(" ").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));

function said(port: number, about: string, more: Partial<Said> = {}): Said {
  return {
    node: { host: "s", port },
    trouble: undefined,
    master: { host: "10.0.0.1", port: 6379 },
    watches: [],
    about: fields(about),
    replicas: [],
    noQuorum: undefined,
    tilt: false,
    ...more,
  };
}

const replica = (flags: string, priority = 100): Map<string, string> =>
  fields(`name=r ip=10.0.0.2 port=6379 flags=${flags} slave-priority=${String(priority)}`);

describe(naming, () => {
  it("believes the highest epoch before the majority, and the majority among equals", () => {
    const other = { host: "10.0.0.9", port: 6379 };
    const newer = said(3, "config-epoch=2", { master: other });
    expect(naming([said(1, "config-epoch=1"), said(2, "config-epoch=1"), newer])[0]).toBe(newer);
    const even = said(3, "config-epoch=1", { master: other });
    expect(naming([even, said(1, "config-epoch=1"), said(2, "config-epoch=1")])[0]?.master.host).toBe("10.0.0.1");
    expect(naming([said(1, "a=b", { master: undefined })])).toEqual([]);
  });
});

describe(replicaFor, () => {
  it("leaves out what the Sentinel takes for down or is not connected to", () => {
    const down = ["s_down,slave", "slave,disconnected", "o_down,slave"].map((one) => replica(one));
    expect(replicaFor(said(1, "a=b", { replicas: down }), undefined)).toBeUndefined();
    expect(replicaFor(said(1, "a=b", { replicas: [...down, replica("slave")] }), undefined)).toEqual({
      host: "10.0.0.2",
      port: 6379,
    });
  });

  it("takes the preferred one, as ioredis does", () => {
    const other = fields("name=q ip=10.0.0.3 port=6379 flags=slave");
    const replicas = [replica("slave"), other];
    expect(replicaFor(said(1, "a=b", { replicas }), { ip: "10.0.0.3", port: "6379" })?.host).toBe("10.0.0.3");
  });
});

describe(whyNoFailover, () => {
  const down = "flags=s_down,master quorum=2 failover-timeout=60000 num-slaves=1";
  const first = (all: readonly Said[]): string | undefined => {
    const [best] = naming(all);
    return best === undefined ? undefined : whyNoFailover(all, best)[0]?.says;
  };

  it("names the replicas first: without one that may take over nothing else matters", () => {
    expect(first([said(1, "flags=s_down,master quorum=1 num-slaves=0")])).toBe("it has no replica");
    expect(first([said(1, down, { replicas: [replica("slave", 0)] })])).toBe(
      "its only replica may not take over (replica-priority 0)",
    );
    expect(first([said(1, down, { replicas: [replica("slave", 0), replica("slave,s_down")] })])).toBe(
      "none of its 2 replicas may take over (replica-priority 0, down)",
    );
  });

  it("says how many Sentinels see it, or what they say of the quorum themselves", () => {
    const replicas = [replica("slave")];
    const up = said(2, "flags=master quorum=2", { replicas });
    expect(first([said(1, down, { replicas }), up])).toBe(
      "1 of the Sentinels asked takes it for down, and the quorum is 2",
    );
    const noQuorum = "NOQUORUM 1 usable Sentinels.";
    expect(first([said(1, down, { replicas, noQuorum })])).toBe("the Sentinels say NOQUORUM 1 usable Sentinels.");
  });

  it("is left with the time between two attempts", () => {
    const replicas = [replica("slave")];
    const both = [said(1, down, { replicas }), said(2, down, { replicas })];
    expect(first(both)).toMatch(/they wait 2 min \(twice failover-timeout\)/);
    expect(first(both.map((one) => ({ ...one, tilt: true })))).toMatch(/TILT/);
  });

  it("does not say that there is no replica where the Sentinel may not be asked", () => {
    expect(withoutSuccessor(said(1, "a=b"))).toBeUndefined();
  });
});
