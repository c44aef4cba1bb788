/** What ioredis gets for a `net.Socket`: a duplex whose other end is a link of the simulated network. */
import { Duplex } from "node:stream";
import type { VirtualClock } from "./clock.js";

/** The network, as a socket sees it. */
export interface Line {
  /** Bytes leave. `taken` is called when the kernel has room for more. */
  send(chunk: Buffer, taken: (error?: Error) => void): void;
  /** The process closed its side: after what it sent (`false`), or forgetting everything. */
  closed(destroyed: boolean): void;
}

export class SimSocket extends Duplex {
  connecting = true;
  remoteAddress: string | undefined = undefined;
  remotePort: number | undefined = undefined;
  bytesRead = 0;
  bytesWritten = 0;
  readonly id: number;
  timeout = 0;
  isRef = true;
  readonly #clock: VirtualClock;
  #line: Line | undefined = undefined;
  #timer: ReturnType<VirtualClock["setTimer"]> | undefined = undefined;
  #early: (() => void) | undefined = undefined;

  constructor(id: number, clock: VirtualClock) {
    super({ allowHalfOpen: false, decodeStrings: true });
    this.id = id;
    this.#clock = clock;
  }

  // ---- what the network does

  plug(line: Line): void {
    this.#line = line;
  }

  connected(address: string, port: number): void {
    if (this.destroyed) return;
    this.connecting = false;
    this.remoteAddress = address;
    this.remotePort = port;
    this.#active();
    this.emit("connect");
    this.emit("ready");
    const early = this.#early;
    this.#early = undefined;
    early?.();
  }

  incoming(bytes: Buffer): void {
    if (this.destroyed || this.readableEnded) return;
    this.bytesRead += bytes.length;
    this.#active();
    this.push(bytes);
  }

  ended(): void {
    if (this.destroyed) return;
    this.push(null);
    this.read(0);
  }

  // ---- what net.Socket has

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.isRef = true;
    return this;
  }

  unref(): this {
    this.isRef = false;
    return this;
  }

  setTimeout(ms: number, callback?: () => void): this {
    this.timeout = ms;
    if (callback !== undefined) {
      if (ms > 0) this.once("timeout", callback);
      else this.removeListener("timeout", callback);
    }
    this.#active();
    return this;
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  get readyState(): string {
    return this.connecting ? "opening" : this.destroyed ? "closed" : "open";
  }

  // ---- the duplex

  override _read(): void {
    // Bytes are pushed as they come.
  }

  override _write(chunk: Buffer, _encoding: string, taken: (error?: Error | null) => void): void {
    if (this.connecting) {
      this.#early = () => this._write(chunk, _encoding, taken);
      return;
    }
    this.bytesWritten += chunk.length;
    this.#active();
    this.#line?.send(chunk, taken);
  }

  override _writev(chunks: { chunk: Buffer }[], taken: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "buffer", taken);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.connecting) {
      this.#early = () => this._final(done);
      return;
    }
    this.#line?.closed(false);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.connecting = false;
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#line?.closed(true);
    // As a libuv handle, it has closed in the next turn of the loop.
    this.#clock.arrive(() => done(error));
  }

  #active(): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer =
      this.timeout > 0 && !this.destroyed
        ? this.#clock.setTimer(() => this.emit("timeout"), this.timeout, false, []).unref()
        : undefined;
  }
}
