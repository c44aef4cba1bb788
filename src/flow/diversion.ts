/** Who may take blocking commands off a client's connection: the flow asks, the pool decides. */
import type { Command } from "ioredis";
import type { CallOptions } from "../command/call.js";

export interface Diversion {
  /** Takes the command over and will settle it, or answers `false`: it stays. Nothing happens to it before this turn's end. */
  divert(command: Command, options: CallOptions | undefined): boolean;
  /** Something waits for the connection that `Outlet.hold` keeps for a blocking command. */
  awaited(): void;
}
