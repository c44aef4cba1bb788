/**
 * Makes sure that server processes die with the process that started them, even when that one is killed by SIGKILL.
 * One small shell per process reads pids from a pipe; when the pipe closes it kills what is left and removes their folders.
 */
import { spawn } from "node:child_process";

const SCRIPT = `
list=""
while read -r verb pid dir; do
  case "$verb" in
    add) list="$list $pid:$dir" ;;
    del) next=""; for item in $list; do [ "\${item%%:*}" = "$pid" ] || next="$next $item"; done; list="$next" ;;
  esac
done
for item in $list; do kill -9 "\${item%%:*}" 2>/dev/null; rm -rf "\${item#*:}"; done
`;

/** @type {import("node:child_process").ChildProcess | undefined} */
let reaper;

/** @param {string} line */
function tell(line) {
  if (reaper === undefined) {
    // Its own process group: Ctrl-C in a terminal must not take the reaper before its work.
    reaper = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    reaper.on("error", () => {});
    reaper.stdin?.on("error", () => {});
    reaper.unref();
    /** @type {import("node:net").Socket} */ (reaper.stdin).unref();
  }
  reaper.stdin?.write(`${line}\n`);
}

/**
 * @param {number} pid
 * @param {string} dir Folder without spaces, removed together with the process.
 */
export function reapLater(pid, dir) {
  tell(`add ${pid} ${dir}`);
}

/** @param {number} pid */
export function spare(pid) {
  tell(`del ${pid}`);
}
