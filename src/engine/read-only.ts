/**
 * Whether a reply says that the server takes no writes, wherever it says so: as the reply itself, for a script, as the reason
 * why an EXEC was aborted, among the replies of a transaction, or as the end of a block.
 */
const READ_ONLY = /^READONLY |: -?READONLY |instance state changed \(master -> replica/;

export function saysReadOnly(error: Error): boolean {
  return READ_ONLY.test(error.message);
}

/** EXEC answers with a list, in which a script that failed is one error among replies. */
export function holdsReadOnly(value: unknown): boolean {
  return Array.isArray(value) && value.some((reply) => reply instanceof Error && saysReadOnly(reply));
}
