/** Reading the files that variables name: secrets, certificates, the policy file. What is wrong is said without content. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { clock } from "../../clock.js";

/** The text of a file, or what is wrong with it in the two halves of a problem. */
export type TextFile = { readonly text: string } | { readonly given: string; readonly allowed: string };

/** Reads UTF-8. A byte order mark, which some editors put first, is no part of the text. */
export function readText(path: string): TextFile {
  let content: Buffer;
  try {
    content = readBytes(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    return {
      given: `names a file that cannot be read (${code})`,
      allowed: "must be the path of a file this process may read",
    };
  }
  try {
    // `fatal`: bytes that are no UTF-8 would silently become other characters, and a password another password.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(content);
    if (!text.includes("\0")) return { text };
  } catch {
    // Said below.
  }
  return { given: "names a file that is not UTF-8 text", allowed: "must name a text file: save it as UTF-8" };
}

/** More than any secret, certificate chain or policy needs, in bytes. */
const SIZE_LIMIT = 1_048_576;
/** Opens a pipe without waiting for its writer. Windows has no such flag. */
const NONBLOCK = process.platform === "win32" ? 0 : constants.O_NONBLOCK;
/** How long a pipe may take to bring its text, in milliseconds: `<(command)` in a shell is one. */
const PIPE_LIMIT = 1_000;
const PIPE_PAUSE = 5;

/**
 * A path may lead anywhere: a device has no end, and opening a pipe that nobody writes to would wait for ever.
 *
 * @throws an error whose `code` says why.
 */
function readBytes(path: string): Buffer {
  const file = openSync(path, constants.O_RDONLY | NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() && !stat.isFIFO()) throw refusal(stat.isDirectory() ? "EISDIR" : "no regular file");
    const content = Buffer.alloc(stat.isFile() && stat.size > 0 ? Math.min(stat.size, SIZE_LIMIT) + 1 : SIZE_LIMIT + 1);
    const until = clock.now() + PIPE_LIMIT;
    let length = 0;
    for (;;) {
      const read = readSome(file, content, length);
      if (read === 0) return content.subarray(0, length);
      if (read === undefined) {
        if (clock.now() >= until) throw refusal("ETIMEDOUT");
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_PAUSE);
        continue;
      }
      length += read;
      if (length > SIZE_LIMIT) throw refusal("larger than 1 MiB");
    }
  } finally {
    closeSync(file);
  }
}

/** Bytes that were read, 0 at the end, `undefined` where nothing is there yet. */
function readSome(file: number, into: Buffer, at: number): number | undefined {
  try {
    return readSync(file, into, at, into.length - at, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}

function refusal(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
