/**
 * Reads a secret from a file and notices when it changes. The folder is watched, not the file: a watch on a file stays with the one
 * that was replaced. Kubernetes swaps a symbolic link beside it (`..data`), which is a change of the same folder. Some file systems
 * report nothing, so it is looked at now and then as well.
 */
import { watch, type BigIntStats, type FSWatcher } from "node:fs";
import { open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { clock, setUnrefTimeout, type Timer } from "../clock.js";

/** More than any token, in bytes. */
const SIZE_LIMIT = 65_536;
/** Several reports of one change come together, and whoever writes in place needs a moment. Milliseconds. */
const SETTLE = 50;
/** Between two looks where nothing is reported, in milliseconds. */
const LOOK = 10_000;

export interface Secret {
  readonly text: string;
  /** Changes with every file that takes its place and every write to it; behind symbolic links it is that of their target. */
  readonly identity: string;
}

/**
 * The text of a file in UTF-8, without a byte order mark and without one line break at its end.
 *
 * @throws an error whose `code` says why, where the system has a word for it.
 */
export async function readSecret(path: string, signal?: AbortSignal): Promise<Secret> {
  // A pipe would be waited for, and gives its text once only.
  if (!(await stat(path)).isFile()) throw failure("EINVAL");
  const file = await open(path, "r");
  try {
    const identity = identityOf(await file.stat({ bigint: true }));
    const bytes = Buffer.alloc(SIZE_LIMIT + 1);
    let length = 0;
    for (let read = -1; read !== 0; length += read) {
      signal?.throwIfAborted();
      if (length > SIZE_LIMIT) throw failure("EFBIG");
      read = (await file.read(bytes, length, bytes.length - length, null)).bytesRead;
    }
    // Bytes that are no UTF-8 would become other characters, and the password another one.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
    return { text: text.replace(/\r?\n$/, ""), identity };
  } finally {
    await file.close();
  }
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

/**
 * Calls `changed` whenever there is another file than the one that was `read` last, until the function that it returns is called.
 * Keeps no process alive.
 */
export function watchFile(path: string, read: () => string | undefined, changed: () => void): () => void {
  const watched = new WatchedFile(path, read, changed);
  return () => watched.stop();
}

class WatchedFile {
  readonly #path: string;
  readonly #read: () => string | undefined;
  readonly #changed: () => void;
  #watcher: FSWatcher | undefined = undefined;
  #timer: Timer | undefined = undefined;
  #isSettling = false;
  #told: string | undefined = undefined;
  #isOver = false;

  constructor(path: string, read: () => string | undefined, changed: () => void) {
    this.#path = path;
    this.#read = read;
    this.#changed = changed;
    void this.#look();
  }

  stop(): void {
    this.#isOver = true;
    clock.clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  #watch(): void {
    try {
      const watcher = watch(dirname(this.#path), { persistent: false }, () => this.#reported());
      watcher.on("error", () => {
        watcher.close();
        this.#watcher = undefined;
      });
      this.#watcher = watcher;
    } catch {
      // No folder, no watches left, or a file system without them: it is looked at now and then.
    }
  }

  #reported(): void {
    // In a busy folder the look must not be put off for ever.
    if (this.#isSettling) return;
    this.#isSettling = true;
    this.#lookIn(SETTLE);
  }

  #lookIn(ms: number): void {
    clock.clearTimeout(this.#timer);
    if (!this.#isOver) this.#timer = setUnrefTimeout(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    this.#isSettling = false;
    if (this.#watcher === undefined) this.#watch();
    // Whatever is reported meanwhile sets a nearer time.
    this.#lookIn(LOOK);
    const identity = await stat(this.#path, { bigint: true }).then(identityOf, () => undefined);
    if (this.#isOver) return;
    // Missing for a moment: the old login holds until there is another.
    if (identity === undefined || identity === this.#read() || identity === this.#told) return;
    this.#told = identity;
    this.#changed();
  }
}

function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}
