/**
 * The signature tables, indexed by the words an error begins with or carries. Adding a failure is adding a row to the
 * table of its area; nothing else changes.
 */
import { ACCESS } from "./signatures/access.js";
import { CLIENT } from "./signatures/client.js";
import { ELSEWHERE } from "./signatures/elsewhere.js";
import { NETWORK } from "./signatures/network.js";
import { SERVER } from "./signatures/server.js";
import type { Signature } from "./signatures/signature.js";
import { TLS } from "./signatures/tls.js";
import { TOPOLOGY } from "./signatures/topology.js";
import { USAGE } from "./signatures/usage.js";
import { essence, type View } from "./unwrap.js";

/** Every row, in the order in which they are tried. */
export const SIGNATURES: readonly Signature[] = [
  ...ACCESS,
  ...SERVER,
  ...TOPOLOGY,
  ...USAGE,
  ...CLIENT,
  ...TLS,
  ...NETWORK,
  ...ELSEWHERE,
];

/** What decides between rows and stands not in the error. */
export interface Circumstances {
  readonly early: boolean;
  readonly written: boolean | undefined;
}

const byErrno = index((row) => row.errno);
const byWord = index((row) => row.word);
const byText = SIGNATURES.filter((row) => row.errno === undefined && row.word === undefined);

function index(keysOf: (row: Signature) => readonly string[] | undefined): ReadonlyMap<string, readonly Signature[]> {
  const rows = new Map<string, Signature[]>();
  for (const row of SIGNATURES) {
    for (const key of keysOf(row) ?? []) {
      const list = rows.get(key);
      if (list === undefined) rows.set(key, [row]);
      else list.push(row);
    }
  }
  return rows;
}

const ERRNO_WORD =
  /\b(?:E[A-Z]{2,}(?:_[A-Z0-9]+)*|[A-Z]+(?:_[A-Z0-9]+)*_CERT(?:_[A-Z]+)*|CERT_[A-Z_]+|INVALID_CA|HOSTNAME_MISMATCH|UNABLE_TO_[A-Z_]+)\b/g;
const SYSCALL = /\b(connect|read|write|getaddrinfo|query\w*|open)\b/;

/** The first row that matches, or undefined. */
export function match(view: View, around: Circumstances): Signature | undefined {
  const message = essence(view.message);
  const syscall = view.syscall ?? SYSCALL.exec(message)?.[1];
  const fits = (row: Signature): boolean =>
    (row.syscall === undefined || row.syscall === syscall) &&
    (row.early === undefined || around.early) &&
    (row.written === undefined || row.written === around.written) &&
    (row.text === undefined || row.text.test(message));

  const named = view.code === undefined ? undefined : byErrno.get(view.code)?.find(fits);
  if (named !== undefined) return named;
  const end = message.search(/[ \r\n]/);
  const said = byWord.get(end < 0 ? message : message.slice(0, end))?.find(fits);
  if (said !== undefined) return said;
  const texted = byText.find(fits);
  if (texted !== undefined) return texted;
  for (const [word] of view.message.matchAll(ERRNO_WORD)) {
    const row = byErrno.get(word)?.find(fits);
    if (row !== undefined) return row;
  }
  return undefined;
}
