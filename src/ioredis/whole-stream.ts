/** What ioredis hands over with the members of a pipeline: it writes once, when all of them were written to it. */
import { constants } from "node:buffer";

interface Socketed {
  readonly redis: { readonly stream: { write(data: string | Buffer): unknown } };
}

/** No string may be longer, in characters. */
const LONGEST = constants.MAX_STRING_LENGTH;

export class WholeStream {
  readonly isPipeline = true;
  readonly destination: Socketed;
  readonly #members: number;
  #pending: number;
  #text = "";
  #before: Buffer[] = [];

  constructor(redis: Socketed["redis"], members: number) {
    this.destination = { redis };
    this.#members = this.#pending = members;
  }

  write(data: string | Buffer): void {
    const isText = typeof data === "string";
    if (!isText || this.#text.length + data.length >= LONGEST) this.#settle();
    if (isText) this.#text += data;
    else this.#before.push(data);
    if (--this.#pending > 0) return;
    const before = this.#before;
    const text = this.#text;
    // It may be written once more, as a whole.
    this.#pending = this.#members;
    this.#text = "";
    this.#before = [];
    const { stream } = this.destination.redis;
    stream.write(before.length === 0 ? text : Buffer.concat([...before, Buffer.from(text)]));
  }

  #settle(): void {
    if (this.#text !== "") this.#before.push(Buffer.from(this.#text));
    this.#text = "";
  }
}
