/**
 * Commands that are written and unanswered, in place of ioredis's deque: a batch that was written as one is one entry with
 * a place in it, not one entry a member. Whoever looks at its members finds items like all others.
 */
import type { Command } from "ioredis";
import { callOf } from "../engine/call.js";
import type { BatchReplies, BatchStream } from "../engine/ports.js";
import type { CommandItem, CommandQueue } from "./internals.js";

/** A batch of which some members may have been answered. */
export class Run {
  readonly commands: readonly Command[];
  readonly stream: BatchStream;
  readonly select: number;
  /** Where its replies go. */
  readonly replies: BatchReplies;
  /** The place of the member that is answered next. */
  at = 0;

  constructor(commands: readonly Command[], stream: BatchStream, select: number, replies: BatchReplies) {
    this.commands = commands;
    this.stream = stream;
    this.select = select;
    this.replies = replies;
  }

  get left(): number {
    return this.commands.length - this.at;
  }

  /** The item of a member; `ahead`: how many others are answered before it. */
  item(ahead: number): CommandItem {
    return { command: this.commands[this.at + ahead] as Command, stream: this.stream, select: this.select };
  }
}

type Entry = CommandItem | Run;

const SMALLEST = 16;

export class ReplyQueue implements CommandQueue {
  /** Commands, whatever they came in. */
  length = 0;
  /** A ring whose size is a power of two. */
  #entries: (Entry | undefined)[] = new Array<Entry | undefined>(SMALLEST);
  #head = 0;
  #size = 0;

  push(item: CommandItem): number {
    this.#add(item);
    return ++this.length;
  }

  pushRun(run: Run): void {
    this.#add(run);
    this.length += run.left;
  }

  /** The batch that is answered next. */
  get run(): Run | undefined {
    const entry = this.#entries[this.#head];
    return entry instanceof Run ? entry : undefined;
  }

  /** The next member of this batch, which is `run`, has its reply. */
  shiftMember(run: Run): Command {
    this.length--;
    const command = run.commands[run.at++] as Command;
    if (run.left === 0) this.#drop();
    return command;
  }

  /** The command that is answered next, if it does nothing with its reply but wait for it. */
  get waiting(): Command | undefined {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return undefined;
    if (entry instanceof Run) return entry.commands[entry.at];
    return callOf(entry.command)?.facts.isStateless === true ? entry.command : undefined;
  }

  /** Hands the command that is answered next its reply, which is no error, and no event. */
  answer(value: unknown): void {
    const { run } = this;
    if (run !== undefined) run.replies.replied(this.shiftMember(run), value);
    else this.shift()?.command.resolve(value);
  }

  shift(): CommandItem | undefined {
    const entry = this.#entries[this.#head];
    if (entry instanceof Run) {
      const item = entry.item(0);
      this.shiftMember(entry);
      return item;
    }
    if (entry === undefined) return undefined;
    this.length--;
    this.#drop();
    return entry;
  }

  unshift(item: CommandItem): number {
    if (this.#size === this.#entries.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#entries.length - 1);
    this.#entries[this.#head] = item;
    this.#size++;
    return ++this.length;
  }

  peekFront(): CommandItem | undefined {
    return this.peekAt(0);
  }

  peekAt(index: number): CommandItem | undefined {
    if (index < 0 || index >= this.length) return undefined;
    // Who looks far in looks from the end.
    if (index >= this.length / 2) {
      let end = this.length;
      for (let place = this.#size - 1; place >= 0; place--) {
        const entry = this.#at(place);
        end -= entry instanceof Run ? entry.left : 1;
        if (index >= end) return entry instanceof Run ? entry.item(index - end) : entry;
      }
      return undefined;
    }
    let begin = 0;
    for (let place = 0; place < this.#size; place++) {
      const entry = this.#at(place);
      const next = begin + (entry instanceof Run ? entry.left : 1);
      if (index < next) return entry instanceof Run ? entry.item(index - begin) : entry;
      begin = next;
    }
    return undefined;
  }

  remove(index: number, count: number): CommandItem[] {
    const items = this.toArray();
    const removed = items.splice(index, count);
    this.clear();
    for (const item of items) this.push(item);
    return removed;
  }

  clear(): void {
    this.#entries = new Array<Entry | undefined>(SMALLEST);
    this.length = this.#head = this.#size = 0;
  }

  toArray(): CommandItem[] {
    const items: CommandItem[] = [];
    for (let place = 0; place < this.#size; place++) {
      const entry = this.#at(place);
      if (!(entry instanceof Run)) items.push(entry);
      else for (let ahead = 0; ahead < entry.left; ahead++) items.push(entry.item(ahead));
    }
    return items;
  }

  #at(place: number): Entry {
    return this.#entries[(this.#head + place) & (this.#entries.length - 1)] as Entry;
  }

  #add(entry: Entry): void {
    if (this.#size === this.#entries.length) this.#grow();
    this.#entries[(this.#head + this.#size) & (this.#entries.length - 1)] = entry;
    this.#size++;
  }

  #drop(): void {
    this.#entries[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#entries.length - 1);
    this.#size--;
  }

  #grow(): void {
    const { length } = this.#entries;
    const entries = new Array<Entry | undefined>(2 * length);
    for (let place = 0; place < this.#size; place++) entries[place] = this.#at(place);
    this.#entries = entries;
    this.#head = 0;
  }
}
