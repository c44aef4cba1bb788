import type { Socket } from "node:net";
import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { coalesceWrites, WriteTicks, type WriteStats } from "../../src/ioredis/coalesce.js";

class Sink extends Writable {
  readonly chunks: Buffer[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(Buffer.from(chunk));
    done();
  }
  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.chunks.push(Buffer.concat(chunks.map(({ chunk }) => Buffer.from(chunk))));
    done();
  }
}

function make(): { sink: Sink; stats: WriteStats } {
  const sink = new Sink();
  const stats = { asked: 0, made: 0 };
  coalesceWrites(sink as unknown as Socket, stats);
  return { sink, stats };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** One tick with so many writes of one digit each. */
async function tick(sink: Sink, writes: number): Promise<number> {
  const before = sink.chunks.length;
  for (let i = 0; i < writes; i++) sink.write(String(i % 10));
  await turn();
  return sink.chunks.length - before;
}

describe("joining writes", () => {
  it("begins after a tick of a dozen writes and ends after one of fewer", async () => {
    const { sink, stats } = make();
    expect(await tick(sink, 11)).toBe(11);
    expect(await tick(sink, 12)).toBe(12);
    expect(await tick(sink, 12)).toBe(1);
    expect(await tick(sink, 500)).toBe(1);
    expect(await tick(sink, 3)).toBe(1);
    expect(await tick(sink, 3)).toBe(3);
    expect(stats).toEqual({ asked: 541, made: 29 });
  });

  it("leaves every byte and its order alone, for text and buffers mixed", async () => {
    const { sink } = make();
    const expected: Buffer[] = [];
    let state = 1;
    const random = (): number => (state = (Math.imul(state, 48271) >>> 0) % 2147483647) / 2147483647;
    for (const writes of [20, 300, 5, 40, 1, 12, 2000]) {
      for (let i = 0; i < writes; i++) {
        const size = Math.floor(random() * (random() < 0.05 ? 30_000 : 50));
        const text = "aü€😀".repeat(Math.ceil(size / 4)).slice(0, size + 1);
        const chunk = random() < 0.5 ? text : Buffer.from(text, "utf8");
        expected.push(Buffer.from(chunk));
        sink.write(chunk);
      }
      await turn();
    }
    expect(Buffer.concat(sink.chunks).equals(Buffer.concat(expected))).toBe(true);
  });

  it("writes early what has grown large", async () => {
    const { sink } = make();
    await tick(sink, 12);
    const before = sink.chunks.length;
    for (let i = 0; i < 20; i++) sink.write("x".repeat(10_000));
    expect(sink.chunks.length - before).toBe(2);
    await turn();
    expect(sink.chunks.length - before).toBe(3);
  });

  it("flushes before the end", async () => {
    const { sink } = make();
    await tick(sink, 12);
    for (let i = 0; i < 5; i++) sink.write(`<${String(i)}>`);
    sink.end("last");
    await turn();
    expect(Buffer.concat(sink.chunks.slice(12)).toString()).toBe("<0><1><2><3><4>last");
  });

  it("passes on a write with a callback, behind what waits", async () => {
    const { sink } = make();
    await tick(sink, 12);
    sink.write("a");
    const written = new Promise<void>((resolve) => sink.write("b", () => resolve()));
    sink.write("c");
    await written;
    await turn();
    expect(Buffer.concat(sink.chunks.slice(12)).toString()).toBe("abc");
  });
});

describe("sockets that count together", () => {
  it("join from the tick on that follows one with a dozen writes on all of them together", async () => {
    const ticks = new WriteTicks();
    const sinks = [new Sink(), new Sink(), new Sink()];
    for (const sink of sinks) coalesceWrites(sink as unknown as Socket, { asked: 0, made: 0 }, ticks);
    const tickOfAll = async (each: number): Promise<readonly number[]> => {
      const before = sinks.map(({ chunks }) => chunks.length);
      for (let i = 0; i < each; i++) for (const sink of sinks) sink.write(String(i));
      await turn();
      return sinks.map(({ chunks }, at) => chunks.length - (before[at] ?? 0));
    };
    expect(await tickOfAll(4)).toEqual([4, 4, 4]);
    expect(await tickOfAll(1)).toEqual([1, 1, 1]);
    expect(await tickOfAll(4)).toEqual([4, 4, 4]);
    expect(await tickOfAll(4)).toEqual([1, 1, 1]);
    expect(Buffer.concat(sinks[0]?.chunks ?? []).toString()).toBe("0123001230123");
  });
});
