import { describe, expect, it } from "vitest";
import { Slices } from "../../src/engine/slices.js";

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function spend(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe("work in slices", () => {
  it("runs what fits at once, and the rest in later turns, in order", async () => {
    const slices = new Slices();
    const done: number[] = [];
    slices.run(
      Array.from({ length: 200 }, (_, i) => i),
      (i) => {
        spend(0.2);
        done.push(i);
      },
    );
    expect(done.length).toBeGreaterThan(0);
    expect(done.length).toBeLessThan(200);
    slices.run([200, 201], (i) => void done.push(i));
    while (done.length < 202) await turn();
    expect(done).toEqual(Array.from({ length: 202 }, (_, i) => i));
  });

  it("does no more in one turn than fits into a few milliseconds", async () => {
    const slices = new Slices();
    let done = 0;
    let most = 0;
    slices.run(
      Array.from({ length: 400 }, (_, i) => i),
      () => {
        spend(0.1);
        done++;
      },
    );
    while (done < 400) {
      const before = done;
      await turn();
      most = Math.max(most, done - before);
    }
    // Five milliseconds of these jobs, and the few until the clock is read again; on a busy machine fewer.
    expect(most).toBeLessThanOrEqual(50 + 32);
  });

  it("lets what must not overtake it wait, in order, and run at once when nothing is under way", async () => {
    const slices = new Slices();
    const done: number[] = [];
    slices.whenDone(() => done.push(-1));
    expect(done.splice(0)).toEqual([-1]);
    slices.run(
      Array.from({ length: 500 }, (_, i) => i),
      (i) => {
        spend(0.05);
        done.push(i);
      },
    );
    slices.whenDone(() => done.push(500));
    slices.whenDone(() => done.push(501));
    expect(done.length).toBeLessThan(500);
    while (done.length < 502) await turn();
    expect(done).toEqual(Array.from({ length: 502 }, (_, i) => i));
  });

  it("goes on after a job that throws, which is not run again", async () => {
    const slices = new Slices();
    const done: number[] = [];
    const job = (item: number): void => {
      if (item === 1) throw new Error("the job's own");
      done.push(item);
    };
    expect(() => slices.run([0, 1, 2], job)).toThrow("the job's own");
    await turn();
    expect(done).toEqual([0, 2]);
  });

  it("takes work from its own jobs", async () => {
    const slices = new Slices();
    const done: string[] = [];
    slices.run(["a", "b"], (item) => {
      done.push(item);
      if (item === "a") slices.run(["a1"], (more) => void done.push(more));
    });
    await turn();
    expect(done.sort()).toEqual(["a", "a1", "b"]);
  });
});
