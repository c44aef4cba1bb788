/**
 * Opens one TCP, unix or TLS connection with a limit of time, and tells what it took or what went wrong. Names are
 * already addresses here: looking them up is a link of its own.
 */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type PeerCertificate, type TLSSocket } from "node:tls";
import { held } from "../background.js";

/** Where to connect to: an address and a port, or a unix socket. */
export interface Place {
  readonly address: string;
  readonly port: number;
  readonly path?: string | undefined;
}

/** An open socket, or the error in its place. */
export interface Dialled<S extends Socket = Socket> {
  readonly socket: S | undefined;
  readonly error: NodeJS.ErrnoException | undefined;
  /** Milliseconds. */
  readonly elapsed: number;
  /** The options cannot be used at all: nothing was sent. */
  readonly unusable?: true | undefined;
}

/** Resolves in any case, at the latest after `timeout` milliseconds. The caller destroys the socket. */
export function dial(place: Place, timeout: number): Promise<Dialled> {
  const socket = held(
    connectTcp(
      place.path === undefined
        ? { host: place.address, port: place.port, autoSelectFamily: false, noDelay: true }
        : { path: place.path },
    ),
  );
  return settled(socket, "connect", timeout, () => silence("connect ETIMEDOUT", place));
}

/** The same with a TLS handshake. `name` is what the client calls the host: it is sent as SNI and verified. */
export function dialTls(
  place: Place,
  name: string,
  options: ConnectionOptions,
  timeout: number,
): Promise<Dialled<TLSSocket>> {
  const servername = options.servername ?? (isIP(name) === 0 ? name : undefined);
  const where =
    place.path === undefined
      ? { host: place.address, port: place.port, autoSelectFamily: false }
      : { path: place.path };
  try {
    const socket = held(connectTls({ ...options, ...where, ...(servername === undefined ? {} : { servername }) }));
    return settled(socket, "secureConnect", timeout, () => silence("connect ETIMEDOUT", place));
  } catch (error) {
    // A key or certificate that cannot be read throws at once
    return Promise.resolve({ socket: undefined, error: error as NodeJS.ErrnoException, elapsed: 0, unusable: true });
  }
}

function settled<S extends Socket>(
  socket: S,
  event: string,
  timeout: number,
  late: () => NodeJS.ErrnoException,
): Promise<Dialled<S>> {
  const start = performance.now();
  return new Promise((resolve) => {
    const finish = (error: NodeJS.ErrnoException | undefined): void => {
      clearTimeout(timer);
      const elapsed = performance.now() - start;
      if (error === undefined) resolve({ socket, error, elapsed });
      else {
        socket.destroy();
        resolve({ socket: undefined, error, elapsed });
      }
    };
    const timer = held(setTimeout(() => finish(late()), timeout));
    socket.once(event, () => finish(undefined));
    socket.on("error", (error) => finish(error));
    socket.once("close", () => finish(Object.assign(new Error("closed before it was ready"), { code: "ECONNRESET" })));
  });
}

function silence(message: string, place: Place): NodeJS.ErrnoException {
  const where = place.path ?? `${place.address}:${String(place.port)}`;
  return Object.assign(new Error(`${message} ${where}`), {
    code: "ETIMEDOUT",
    syscall: "connect",
    ...(place.path === undefined ? { address: place.address, port: place.port } : {}),
  });
}

/** What came on a socket. */
export interface Heard {
  readonly bytes: Buffer;
  /** The other side ended or reset the connection. */
  readonly closed: boolean;
  readonly error: NodeJS.ErrnoException | undefined;
}

/** Collects what comes until a line is complete, the connection ends, or `timeout` milliseconds pass. */
export function listen(socket: Socket, timeout: number): Promise<Heard> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    let error: NodeJS.ErrnoException | undefined;
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.off("data", onData).off("end", onEnd).off("close", onEnd).off("error", onError);
      // Nobody listens between two calls; an error without a listener would end the process.
      socket.on("error", () => undefined);
      resolve({ bytes, closed, error });
    };
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      // A farewell is followed by the end at once: wait for both a moment longer than for a plain reply
      if (bytes.includes("\n") || bytes.length > 4096) setImmediate(() => finish(false));
    };
    const onEnd = (): void => finish(true);
    const onError = (seen: NodeJS.ErrnoException): void => {
      error = seen;
    };
    const timer = held(setTimeout(() => finish(socket.destroyed), timeout));
    socket.on("data", onData).on("end", onEnd).on("close", onEnd).on("error", onError);
    if (socket.destroyed || socket.readableEnded) finish(true);
  });
}

/** What a server's certificate says. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly names: string;
  readonly validTo: Date;
  readonly daysLeft: number;
}

/**
 * The certificate of a TLS connection, or `undefined` when none was shown. `now` in milliseconds, default the present.
 */
export function certificateOf(socket: TLSSocket, now: number = Date.now()): CertificateFacts | undefined {
  const peer: Partial<PeerCertificate> = socket.getPeerCertificate();
  if (peer.valid_to === undefined) return undefined;
  const validTo = new Date(peer.valid_to);
  const one = (value: string | string[] | undefined): string =>
    Array.isArray(value) ? value.join(" ") : (value ?? "");
  return {
    subject: one(peer.subject?.CN),
    issuer: one(peer.issuer?.CN),
    names: peer.subjectaltname ?? "",
    validTo,
    daysLeft: Math.floor((validTo.getTime() - now) / 86_400_000),
  };
}
