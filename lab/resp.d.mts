/** Counts complete RESP2/RESP3 frames in a byte stream, whatever the chunk borders. */
export declare class FrameCounter {
  /** Complete frames so far; out-of-band pushes (`>`) are not counted. */
  frames: number;
  /** The stream turned out not to be RESP: nothing is counted any more. */
  blind: boolean;
  /** True between the first and the last byte of a frame. */
  partial: boolean;
  /** Reads on until the chunk ends or `stopAt` frames are complete; returns how many bytes were read. */
  feed(chunk: Buffer, stopAt?: number): number;
}

export type Reply = string | number | null | Reply[] | Error;

/**
 * Sends commands over a connection of its own and resolves with their replies; error replies are values of type Error.
 * Rejects when the connection fails or `timeout` milliseconds (default 5000) pass.
 */
export declare function exchange(
  where: { path: string } | { port: number; host?: string },
  commands: readonly (readonly (string | number)[])[],
  options?: { timeout?: number },
): Promise<Reply[]>;

/** One command as RESP bytes. */
export declare function encode(command: readonly (string | number)[]): string;
