/** Credentials in a file, as secrets are mounted in containers. The reading and watching is loaded with its first use. */
import type { Credentials, CredentialsProvider } from "./provider.js";

export interface FileCredentialsOptions {
  /** ACL user. Default: the server's default user. */
  readonly username?: string | undefined;
  /** Makes credentials of the file's text. Default: all of the text is the password, without one line break at its end. */
  readonly parse?: ((text: string) => Credentials) | undefined;
}

/**
 * A provider for the option `credentials` that reads a file whenever it is asked, and watches it while anybody is connected. The
 * file may be written anew, replaced by another, or lie behind symbolic links that are swapped, as Kubernetes does. One that is
 * missing or empty for a moment is a failure that is asked for again.
 *
 * @param path of a text file in UTF-8, at most 64 KiB.
 */
export function credentialsFromFile(path: string, options: FileCredentialsOptions = {}): CredentialsProvider {
  const { username, parse = (password: string): Credentials => ({ username, password }) } = options;
  const machinery = (): Promise<typeof import("./file.js")> => import("./file.js");
  /** Which file was read last: what changed since then is noticed, however late somebody begins to watch. */
  let read: string | undefined;
  async function credentialsFromFile({ signal }: { readonly signal: AbortSignal }): Promise<Credentials> {
    const { readSecret } = await machinery();
    const { text, identity } = await readSecret(path, signal);
    read = identity;
    return parse(text);
  }
  const watch = (changed: () => void): (() => void) => {
    let stop: (() => void) | undefined;
    let isOver = false;
    void machinery().then(({ watchFile }) => {
      if (!isOver) stop = watchFile(path, () => read, changed);
    });
    return () => {
      isOver = true;
      stop?.();
    };
  };
  return Object.assign(credentialsFromFile, { watch });
}
