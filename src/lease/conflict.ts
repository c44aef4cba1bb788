/** The end of an optimistic transaction that others kept overtaking. */
import { IoredoubtError, type IoredoubtErrorDetails } from "../failure/errors.js";

/** The watched keys changed in every attempt: nothing was executed. */
export class TransactionConflictError extends IoredoubtError {
  /** Attempts that EXEC refused because a watched key had changed. */
  readonly conflicts: number;

  constructor(message: string, conflicts: number, details: IoredoubtErrorDetails) {
    super("EXEC_ABORTED", message, details);
    this.conflicts = conflicts;
  }

  override get name(): string {
    return "TransactionConflictError";
  }
}
