/** A secret in a file: read whenever it is asked for, and watched through everything that replaces it. */
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ask, Failure } from "../../src/credentials/asking.js";
import { credentialsFromFile, type FileCredentialsOptions } from "../../src/credentials/from-file.js";
import type { CredentialsProvider } from "../../src/credentials/provider.js";
import { eventually } from "../helpers/eventually.js";

let folder: string;
let path: string;
const stops: (() => void)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "credentials-"));
  path = join(folder, "password");
  await writeFile(path, "one\n");
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await rm(folder, { recursive: true, force: true });
});

async function read(provider: CredentialsProvider): Promise<string> {
  const request = { reason: "connect", endpoint: { isSentinel: false } } as const;
  const given = await ask(provider, request, 5_000, new AbortController());
  return given instanceof Failure ? given.what : String(given.auth);
}

/** What is read at each change, as a client does. */
async function watching(options?: FileCredentialsOptions): Promise<{ seen: string[]; provider: CredentialsProvider }> {
  const provider = credentialsFromFile(path, options);
  const seen = [await read(provider)];
  const stop = provider.watch?.(() => void read(provider).then((one) => seen.push(one)));
  if (stop !== undefined) stops.push(stop);
  return { seen, provider };
}

async function sees(seen: readonly string[], last: string): Promise<void> {
  // Where the file system reports nothing it takes up to ten seconds.
  await eventually(() => expect(seen.at(-1)).toBe(last), { withinMs: 15_000 });
}

describe("a file that holds a password", () => {
  it("is the password without its line break, for the user that is given", async () => {
    expect(await read(credentialsFromFile(path))).toBe("one");
    expect(await read(credentialsFromFile(path, { username: "app" }))).toBe("app,one");
    await writeFile(path, "\uFEFFtwo words \r\n");
    expect(await read(credentialsFromFile(path))).toBe("two words ");
  });

  it("may hold anything that can be parsed", async () => {
    await writeFile(path, JSON.stringify({ user: "app", token: "t" }));
    const parse = (text: string): { username: string; password: string } => {
      const { user, token } = JSON.parse(text) as { user: string; token: string };
      return { username: user, password: token };
    };
    expect(await read(credentialsFromFile(path, { parse }))).toBe("app,t");
    await writeFile(path, "{ secret");
    expect(await read(credentialsFromFile(path, { parse }))).toBe("threw an error");
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ["missing", () => unlink(path), "threw an error (ENOENT)"],
    ["empty", () => writeFile(path, "\n"), "returned an empty password"],
    ["no text", () => writeFile(path, Buffer.from([0xff, 0xfe, 0x41])), "threw an error"],
    ["too large", () => writeFile(path, "x".repeat(65_537)), "threw an error (EFBIG)"],
    ["a folder", () => unlink(path).then(() => mkdir(path)), "threw an error (EINVAL)"],
  ])("is a failure while it is %s", async (_name, act, what) => {
    await act();
    expect(await read(credentialsFromFile(path))).toBe(what);
  });
});

describe("a file that is watched", () => {
  it("is read anew when it is written in place", async () => {
    const { seen } = await watching();
    await writeFile(path, "two");
    await sees(seen, "two");
  });

  it("is read anew when another takes its place, also after a moment without any", async () => {
    const { seen } = await watching();
    await writeFile(join(folder, "next"), "two");
    await rename(join(folder, "next"), path);
    await sees(seen, "two");
    await unlink(path);
    await writeFile(path, "three");
    await sees(seen, "three");
  });

  it("is read anew when Kubernetes swaps the link that it lies behind", async () => {
    await unlink(path);
    const publish = async (version: string): Promise<void> => {
      await mkdir(join(folder, `..${version}`));
      await writeFile(join(folder, `..${version}`, "password"), version);
      await symlink(`..${version}`, join(folder, "..data_tmp"));
      await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    };
    await publish("one");
    await symlink(join("..data", "password"), path);
    const { seen } = await watching();
    expect(seen).toEqual(["one"]);
    for (const version of ["two", "three"]) {
      await publish(version);
      await sees(seen, version);
    }
  });

  it("is read anew when it changed between the reading and the watching", async () => {
    const provider = credentialsFromFile(path);
    expect(await read(provider)).toBe("one");
    await writeFile(path, "two");
    let changes = 0;
    const stop = provider.watch?.(() => changes++);
    if (stop !== undefined) stops.push(stop);
    await eventually(() => expect(changes).toBe(1));
  });
});
