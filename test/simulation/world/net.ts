/** Puts the simulated network in the place of `node:net`, for what dials by itself. For the whole process and for good. */
import { createRequire } from "node:module";
import type { SimSocket } from "./socket.js";

export interface Dialler {
  /** Where a connection is made in the present run. */
  dial(host: string, port: number): SimSocket;
}

/** To be called before the package under test is loaded. */
export function installNet(): Dialler {
  const dialler: Dialler = {
    dial: () => {
      throw new Error("there is no network yet");
    },
  };
  const net = createRequire(import.meta.url)("node:net") as { connect: unknown; createConnection: unknown };
  net.connect = net.createConnection = ({ host, port }: { readonly host: string; readonly port: number }) =>
    dialler.dial(host, port);
  return dialler;
}
