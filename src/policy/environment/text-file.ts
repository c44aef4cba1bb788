/** Reading the files that variables name: secrets, certificates, the policy file. What is wrong is said without content. */
import { readFileSync } from "node:fs";

/** The text of a file, or what is wrong with it in the two halves of a problem. */
export type TextFile = { readonly text: string } | { readonly given: string; readonly allowed: string };

/** Reads UTF-8. A byte order mark, which some editors put first, is no part of the text. */
export function readText(path: string): TextFile {
  let content: Buffer;
  try {
    content = readFileSync(path);
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
