/** What an engine that serves a part of something larger, a node of a cluster, asks of the whole. */
import type { Code } from "../failure/codes.js";
import type { Call } from "./call.js";

export interface Elsewhere {
  /**
   * The server refused these, one call or all of a transaction, and executed none of them. Returns whether they go on
   * elsewhere: then they have been handed over. Asked for every error reply, so it must decide by the code first.
   */
  redirect(code: Code, error: Error, calls: readonly Call[]): boolean;
  /** The connection owes a reply and says nothing: nothing more is sent to it for now. */
  silent(): void;
  /**
   * It answers again, or is connected again, after it was silent or away for so many milliseconds. Until the promise settles nothing
   * is sent to it: what another one has taken over meanwhile must not be written here. `undefined`: it goes on at once.
   */
  back(away: number): Promise<void> | undefined;
}
