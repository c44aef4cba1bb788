/**
 * Tests are the same for everybody who runs them: what this package, ioredis and the doctor read of the environment is not
 * inherited from the shell. Runs before each test file, and so before anything reads a variable as it loads.
 */
const READ =
  /REDIS_|^REDISCLI_|IOREDOUBT_|^KUBERNETES_|^ISTIO_|^LINKERD|^(?:https?|all|no)_proxy$|^(?:NO|FORCE)_COLOR$|^DEBUG$/i;
/** Where the binary under test is; that is for whoever runs the tests to say. */
const KEPT = new Set(["REDIS_SERVER"]);

for (const name of Object.keys(process.env))
  if (READ.test(name) && !KEPT.has(name)) Reflect.deleteProperty(process.env, name);
process.env["NODE_ENV"] = "test";
