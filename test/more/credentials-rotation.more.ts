/** A minute of rotations under load on every kind of connection; `test/fault/credentials-rotation.test.ts` is the short form. */
import { afterAll, beforeAll, it } from "vitest";
import { startRedis, type RedisServer } from "../helpers/redis-server.js";
import { expectGentle, rotate } from "../fault/rotation.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ acl: ["user app on >p0 ~* &* +@all"] });
});
afterAll(() => server.stop());

it("fails no command but those in flight at a cut, ends no connection, and logs each in with every password", async () => {
  const rotation = await rotate(server, 60, 1_500);
  const { answered, cut, given, heard, questions, connections, failed, inFlight, ended } = rotation;
  const figures = {
    answered,
    failed: failed.length,
    inFlight,
    cut,
    ended,
    passwords: given.length,
    questions,
    heard,
    connections: connections.length,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expectGentle(rotation);
});
