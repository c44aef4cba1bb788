/** The doctor's look from outside. It is loaded when an incident opens: the one way from a client to the doctor. */
import type { Examination } from "../observe/examinations.js";

/** Where to look: what the client was told of the address. */
export interface LookTarget {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly family?: number | undefined;
  readonly tls?: object;
}

/** Looks at the server on a socket of its own, without keeping the process alive. `served`: a client was connected to it before. */
export async function lookFromOutside(target: LookTarget, served: boolean): Promise<Examination | undefined> {
  const [{ passiveVerdict }, { inBackground }] = await Promise.all([
    import("../doctor/passive.js"),
    import("../doctor/background.js"),
  ]);
  return inBackground(() => passiveVerdict(target, { served }));
}
