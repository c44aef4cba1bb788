/** What comes on a connection is kept back, whole and in order, until somebody lets it through. */
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { ReplyGate } from "../../src/ioredis/reply-gate.js";

function connection() {
  const stream = new Readable({ read: () => undefined });
  const seen: string[] = [];
  stream.on("data", (chunk: Buffer) => seen.push(chunk.toString()));
  stream.on("end", () => seen.push("end"));
  return { stream, socket: stream as unknown as Socket, seen };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("keeps back what comes, and lets it through in order, its end included", async () => {
  const { stream, socket, seen } = connection();
  const gate = new ReplyGate();
  stream.push("a");
  await turn();
  const came = gate.close(socket);
  expect(gate.close(socket)).toBe(came);
  expect(gate.isHolding).toBe(false);
  for (const chunk of ["b", "c", null]) stream.push(chunk);
  await came;
  await turn();
  expect([seen, gate.isHolding]).toEqual([["a"], true]);
  gate.open();
  await turn();
  expect([seen, gate.isHolding]).toEqual([["a", "b", "c", "end"], false]);
});

const REFUSAL = "-MOVED 1 h:1\r\n";

it.each([
  ["refusals", [REFUSAL, "-MOVED 2 ", "h:1\r\n"], [true, true], true],
  ["half a refusal", ["-MOVED 1 h"], [true], false],
  ["a refusal and a confirmation", [REFUSAL, "+OK\r\n"], [true, true], false],
  ["a refusal, and an answer that confirms nothing", [REFUSAL, "$3\r\n-a-\r\n", REFUSAL], [true, false, true], true],
  ["an answer that confirms nothing, and half of one", ["+PONG\r\n$3\r\n-a"], [false, false], false],
  ["a push and a refusal", [">2\r\n$1\r\na\r\n$1\r\nb\r\n", REFUSAL], [true], true],
  ["an answer that nobody expects", ["+PONG\r\n"], [], false],
  ["the end of the connection", [null], [true], false],
  ["nothing", [], [true], false],
])("tells %s from what may be wrong", (_name, chunks, confirms, isNothing) => {
  const { stream, socket } = connection();
  const gate = new ReplyGate();
  void gate.close(socket);
  for (const chunk of chunks) stream.push(chunk === null ? null : Buffer.from(chunk));
  expect(gate.holdsNothingFor(confirms)).toBe(isNothing);
});

it("lets everything through once it is open again", async () => {
  const { stream, socket, seen } = connection();
  const gate = new ReplyGate();
  void gate.close(socket);
  gate.open();
  stream.push("a");
  await turn();
  expect(seen).toEqual(["a"]);
});

it("forgets what a connection said that has closed, and the next one is free", async () => {
  const { stream, socket, seen } = connection();
  const gate = new ReplyGate();
  const came = gate.close(socket);
  stream.destroy();
  await came;
  expect(gate.isHolding).toBe(false);
  gate.open();
  const next = connection();
  next.stream.push("b");
  await turn();
  expect([seen, next.seen]).toEqual([[], ["b"]]);
});

it("leaves nothing behind on a connection, however often it is closed and opened", () => {
  const { stream, socket } = connection();
  const gate = new ReplyGate();
  const before = stream.listenerCount("close");
  for (let i = 0; i < 20; i++) {
    void gate.close(socket);
    expect(gate.isClosed).toBe(true);
    gate.open();
  }
  expect([gate.isClosed, stream.listenerCount("close")]).toEqual([false, before]);
});

it("takes nothing that is long for refusals, and does not look through it", () => {
  const { stream, socket } = connection();
  const gate = new ReplyGate();
  void gate.close(socket);
  stream.push(Buffer.from(`-${"x".repeat(100_000)}\r\n`));
  expect([gate.isHolding, gate.holdsNothingFor([true])]).toEqual([true, false]);
});
