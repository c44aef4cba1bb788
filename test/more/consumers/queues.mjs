/** Job queues. */
import assert from "node:assert/strict";
import { once } from "node:events";

/** @import { Smoke } from "./run.mjs" */

/** @type {Record<string, Smoke>} */
export const queues = {
  bullmq: async ({ open, load, atEnd }) => {
    const { Queue, Worker, QueueEvents, FlowProducer } = load("bullmq");
    const connection = open({ maxRetriesPerRequest: null });
    const queue = new Queue("q", { connection });
    const events = new QueueEvents("q", { connection });
    const flows = new FlowProducer({ connection });
    const worker = new Worker("q", async (/** @type {any} */ job) => job.data.n * 2, { connection });
    atEnd(() => Promise.all([worker.close(), events.close(), queue.close(), flows.close()]));
    await events.waitUntilReady();
    const job = await queue.add("double", { n: 21 });
    assert.equal(await job.waitUntilFinished(events), 42);
    const later = await queue.add("double", { n: 4 }, { delay: 300 });
    assert.equal(await later.waitUntilFinished(events), 8);
    const flow = await flows.add({
      name: "parent",
      queueName: "q",
      data: { n: 1 },
      children: [{ name: "child", queueName: "q", data: { n: 2 } }],
    });
    assert.equal(await flow.job.waitUntilFinished(events), 2);
    assert.equal(await queue.getCompletedCount(), 4);
  },

  "bullmq 5 on the copy of ioredis that it brings": async ({ port, load, atEnd }) => {
    const { Queue, Worker, QueueEvents } = load("bullmq5");
    const connection = { host: "127.0.0.1", port };
    const queue = new Queue("q5", { connection });
    const events = new QueueEvents("q5", { connection });
    const worker = new Worker("q5", async (/** @type {any} */ job) => job.data.n * 2, { connection });
    atEnd(() => Promise.all([worker.close(), events.close(), queue.close()]));
    await events.waitUntilReady();
    const job = await queue.add("double", { n: 21 });
    assert.equal(await job.waitUntilFinished(events), 42);
    // With `--import ioredoubt/register` it is this package on that copy.
    const isOurs = process.execArgv.some((flag) => flag.includes("register"));
    assert.equal(typeof (await queue.client).health, isOurs ? "function" : "undefined");
  },

  bull: async ({ open, load, atEnd }) => {
    const Bull = load("bull");
    const clients = [open(), open({ enableReadyCheck: false, maxRetriesPerRequest: null })];
    const createClient = (/** @type {string} */ type) => {
      if (type === "client") return clients[0];
      if (type === "subscriber") return clients[1];
      return open({ enableReadyCheck: false, maxRetriesPerRequest: null });
    };
    const queue = new Bull("q", { createClient });
    atEnd(() => queue.close());
    queue.process(async (/** @type {any} */ job) => job.data.n * 2);
    const job = await queue.add({ n: 21 });
    assert.equal(await job.finished(), 42);
    const later = await queue.add({ n: 2 }, { delay: 200 });
    assert.equal(await later.finished(), 4);
    assert.deepEqual(await queue.getJobCounts(), {
      waiting: 0,
      active: 0,
      completed: 2,
      failed: 0,
      delayed: 0,
      paused: 0,
    });
  },

  "bull with its own clients": async ({ port, load, atEnd }) => {
    const Bull = load("bull");
    const queue = new Bull("own", { redis: { port, host: "127.0.0.1" } });
    atEnd(() => queue.close());
    queue.process(async (/** @type {any} */ job) => job.data.n + 1);
    assert.equal(await (await queue.add({ n: 1 })).finished(), 2);
  },

  "bee-queue": async ({ open, load, atEnd }) => {
    const Bee = load("bee-queue");
    const queue = new Bee("q", { redis: open() });
    atEnd(() => queue.close());
    queue.process(async (/** @type {any} */ job) => job.data.n * 2);
    const job = queue.createJob({ n: 21 });
    const done = once(job, "succeeded");
    await job.save();
    assert.deepEqual(await done, [42]);
  },

  groupmq: async ({ open, load, atEnd }) => {
    const { Queue, Worker } = load("groupmq");
    const queue = new Queue({ redis: open({ maxRetriesPerRequest: null }), namespace: "orders" });
    /** @type {number[]} */
    const seen = [];
    const worker = new Worker({ queue, handler: async (/** @type {any} */ job) => void seen.push(job.data.n) });
    atEnd(() => worker.close());
    void worker.run();
    for (let n = 0; n < 5; n++) await queue.add({ groupId: "one", data: { n }, orderMs: n });
    await queue.waitForEmpty(10_000);
    assert.deepEqual(seen, [0, 1, 2, 3, 4]);
  },

  bottleneck: async ({ open, load, atEnd }) => {
    const Bottleneck = load("bottleneck");
    const connection = new Bottleneck.IORedisConnection({ client: open() });
    const limiter = new Bottleneck({ id: "l", datastore: "ioredis", connection, maxConcurrent: 1, minTime: 10 });
    atEnd(() => limiter.disconnect(true));
    const results = await Promise.all([1, 2, 3].map((n) => limiter.schedule(async () => n * 2)));
    assert.deepEqual(results, [2, 4, 6]);
  },
};
