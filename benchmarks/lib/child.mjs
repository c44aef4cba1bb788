/** Runs one measurement in a Node process of its own and reads its result, so that no contender warms or litters another's. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MARK = "result:";

/**
 * @param {URL} script
 * @param {object} job handed to the script as JSON, see `job`
 * @param {{ nodeArgs?: string[], timeout?: number }} [options]
 * @returns {Promise<any>} `printed`, how many lines it wrote besides, and what the script gave to `report`, or `{ crashed: reason }`
 */
export function measure(script, job, { nodeArgs = [], timeout = 300_000 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...nodeArgs, fileURLToPath(script), JSON.stringify(job)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    let printed = 0;
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => {
      err = (err + text).slice(-4000);
      printed += text.split("\n").length - 1;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), timeout);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const lines = out.split("\n");
      const line = lines.findLast((text) => text.startsWith(MARK));
      printed += lines.filter((text) => text !== "" && text !== line).length;
      resolve(
        line === undefined
          ? { crashed: `${signal ?? `exit ${code}`}: ${err.trim().slice(-1500)}` }
          : { printed, ...JSON.parse(line.slice(MARK.length)) },
      );
    });
  });
}

/** In the child: the job it was given. @returns {any} */
export function job() {
  return JSON.parse(process.argv[2] ?? "null");
}

/** In the child: hands the result over and ends the process, whatever still runs. @param {object} result */
export function report(result) {
  process.stdout.write(`${MARK}${JSON.stringify(result)}\n`, () => process.exit(0));
}
