/** The data of one server: databases of typed values, with a version for each key so that WATCH can tell a change. */

export type Value =
  | { readonly type: "string"; text: string }
  | { readonly type: "list"; items: string[] }
  | { readonly type: "hash"; fields: Map<string, string> }
  | { readonly type: "set"; members: Set<string> };

export class WrongType extends Error {}

interface Stored {
  value: Value;
  expiresAt: number;
}

type Kinds = { [K in Value["type"]]: Extract<Value, { type: K }> };

export class Keyspace {
  readonly #databases = new Map<number, Map<string, Stored>>();
  readonly #versions = new Map<string, number>();
  #changes = 0;
  readonly #now: () => number;
  /** Told of each change: `null` stands for a key that is gone. */
  changed: (database: number, key: string, value: Value | null) => void = () => undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  version(database: number, key: string): number {
    this.get(database, key);
    return this.#versions.get(`${String(database)}:${key}`) ?? 0;
  }

  get(database: number, key: string): Value | undefined {
    const keys = this.#databases.get(database);
    const stored = keys?.get(key);
    if (stored === undefined) return undefined;
    if (stored.expiresAt > this.#now()) return stored.value;
    this.delete(database, key);
    return undefined;
  }

  /** The value of a key that must be of this type, if there is one. */
  typed<K extends Value["type"]>(database: number, key: string, type: K): Kinds[K] | undefined {
    const value = this.get(database, key);
    if (value === undefined) return undefined;
    if (value.type !== type) throw new WrongType();
    return value as Kinds[K];
  }

  /** Stores a value, or says that the one which is there has been changed. Without `expiresAt` the time to live stays. */
  put(database: number, key: string, value: Value, expiresAt?: number): void {
    let keys = this.#databases.get(database);
    if (keys === undefined) this.#databases.set(database, (keys = new Map<string, Stored>()));
    const before = keys.get(key);
    if (isEmpty(value)) {
      if (before !== undefined) this.delete(database, key);
      return;
    }
    keys.set(key, { value, expiresAt: expiresAt ?? before?.expiresAt ?? Infinity });
    this.#touch(database, key, value);
  }

  expiry(database: number, key: string): number | undefined {
    if (this.get(database, key) === undefined) return undefined;
    return this.#databases.get(database)?.get(key)?.expiresAt;
  }

  delete(database: number, key: string): boolean {
    const had = this.#databases.get(database)?.delete(key) === true;
    if (had) this.#touch(database, key, null);
    return had;
  }

  keys(database: number): string[] {
    return [...(this.#databases.get(database)?.keys() ?? [])].filter((key) => this.get(database, key) !== undefined);
  }

  flush(database?: number): void {
    for (const [number] of this.#databases) {
      if (database !== undefined && number !== database) continue;
      for (const key of this.keys(number)) this.delete(number, key);
    }
  }

  /** Everything there is, for a replica that starts from a copy. */
  copyFrom(other: Keyspace): void {
    for (const [database] of this.#databases) {
      for (const key of this.keys(database)) {
        if (other.get(database, key) === undefined) this.delete(database, key);
      }
    }
    for (const [database, keys] of other.#databases) {
      for (const [key, { value, expiresAt }] of keys) this.put(database, key, clone(value), expiresAt);
    }
  }

  #touch(database: number, key: string, value: Value | null): void {
    this.#versions.set(`${String(database)}:${key}`, ++this.#changes);
    this.changed(database, key, value);
  }
}

export function clone(value: Value): Value {
  switch (value.type) {
    case "string":
      return { ...value };
    case "list":
      return { type: "list", items: [...value.items] };
    case "hash":
      return { type: "hash", fields: new Map(value.fields) };
    case "set":
      return { type: "set", members: new Set(value.members) };
  }
}

function isEmpty(value: Value): boolean {
  switch (value.type) {
    case "string":
      return false;
    case "list":
      return value.items.length === 0;
    case "hash":
      return value.fields.size === 0;
    case "set":
      return value.members.size === 0;
  }
}
