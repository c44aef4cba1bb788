/**
 * A worker outlives a runner that was killed, until its file is through; its servers with it. Nobody hears it any more, so it
 * ends at once, and the reaper takes its servers.
 */
const end = Symbol.for("ioredoubt.test.endWithRunner");
const marked = process as typeof process & { [end]?: true };

if (marked[end] === undefined) {
  marked[end] = true;
  process.once("disconnect", () => process.exit(1));
}
