import fc from "fast-check";
import { Command } from "ioredis";
import { describe, expect, it } from "vitest";
import type { CommandItem } from "../../src/ioredis/internals.js";
import { ReplyQueue, Run } from "../../src/ioredis/reply-queue.js";

const replies = { replied: () => undefined };

function items(queue: ReplyQueue): unknown[] {
  return queue.toArray().map(({ command, stream, select }) => [command, stream, select]);
}

type Step =
  | { readonly kind: "push" | "shift" | "clear" }
  | { readonly kind: "run"; readonly members: number }
  | { readonly kind: "unshift" }
  | { readonly kind: "remove"; readonly at: number; readonly count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("push" as const, "shift" as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("run" as const), members: fc.integer({ min: 2, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("unshift" as const, "clear" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("remove" as const), at: fc.nat({ max: 20 }), count: fc.nat({ max: 9 }) }),
  },
);

describe("the queue of what is unanswered", () => {
  it("looks like a list of single items, whatever they came in", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new ReplyQueue();
        const model: CommandItem[] = [];
        for (const one of steps) {
          const item: CommandItem = { command: new Command("ping"), stream: undefined, select: 0 };
          switch (one.kind) {
            case "push":
              expect(queue.push(item)).toBe(model.push(item));
              break;
            case "unshift":
              expect(queue.unshift(item)).toBe(model.unshift(item));
              break;
            case "shift":
              expect(queue.shift()).toEqual(model.shift());
              break;
            case "clear":
              queue.clear();
              model.length = 0;
              break;
            case "remove":
              expect(queue.remove(one.at, one.count)).toEqual(model.splice(one.at, one.count));
              break;
            case "run": {
              const commands = Array.from({ length: one.members }, () => new Command("get", ["a"]));
              const stream = {};
              queue.pushRun(new Run(commands, stream, 3, replies));
              model.push(...commands.map((command) => ({ command, stream, select: 3 })));
            }
          }
          expect(queue.length).toBe(model.length);
          expect(items(queue)).toEqual(model.map(({ command, stream, select }) => [command, stream, select]));
          expect(queue.peekFront()?.command).toBe(model[0]?.command);
          for (const at of [-1, 0, 1, model.length >> 1, model.length - 1, model.length])
            expect(queue.peekAt(at)?.command).toBe(at < 0 ? undefined : model[at]?.command);
        }
      }),
    );
  });

  it("names the batch that is answered next until its last member is", () => {
    const queue = new ReplyQueue();
    const commands = [new Command("get", ["a"]), new Command("get", ["b"])];
    const run = new Run(commands, {}, 0, replies);
    queue.push({ command: new Command("ping"), select: 0 });
    queue.pushRun(run);
    expect(queue.run).toBeUndefined();
    queue.shift();
    expect(queue.run).toBe(run);
    expect(queue.shiftMember(run)).toBe(commands[0]);
    expect(queue.run).toBe(run);
    expect(queue.shiftMember(run)).toBe(commands[1]);
    expect([queue.run, queue.length]).toEqual([undefined, 0]);
  });
});
