/**
 * What the compiler promises a drop-in user. The assertions hold when `npm run typecheck` passes; run, this file only shows
 * that the values behind the types exist.
 */
import * as ioredis from "ioredis";
import { describe, expect, expectTypeOf, it } from "vitest";
import Default, {
  classify,
  Cluster,
  createRedis,
  IoredoubtError,
  Redis,
  type Diagnosis,
  type Health,
  type Policy,
  type RedisOptions,
  type ResilienceOptions,
  type Stats,
} from "../../src/index.js";
import type { RedisClass } from "../../src/typed.js";

/** Takes anything. */
function use(...values: unknown[]): void {
  expect(values).toBeDefined();
}

/** Never run: only compiled. */
function compiled(check: () => void): void {
  expect(check).toBeTypeOf("function");
}

describe("the class", () => {
  it("can stand wherever ioredis's Redis is asked for", () => {
    expectTypeOf<Redis>().toExtend<ioredis.Redis>();
    expectTypeOf<Redis>().toExtend<ioredis.default>();
    compiled(() => {
      const takesRedis = (client: ioredis.Redis): ioredis.Redis => client;
      const takesEither = (client: ioredis.Redis | ioredis.Cluster): unknown => client;
      takesRedis(createRedis());
      takesEither(new Redis());
    });
    expect(Default).toBe(Redis);
  });

  it("can be extended, with methods of its own in the place of ioredis's", () => {
    compiled(() => {
      class Mine extends Redis {
        override duplicate(override?: Partial<RedisOptions>): Redis {
          return super.duplicate({ ...override, db: 1 });
        }

        override async connect(callback?: ioredis.Callback<void>): Promise<void> {
          await super.connect(callback);
        }

        override sendCommand(command: ioredis.Command): unknown {
          return super.sendCommand(command);
        }
      }
      expectTypeOf(new Mine().duplicate()).toEqualTypeOf<Redis>();
    });
    expect(Redis.prototype.duplicate).toBeTypeOf("function");
  });

  it("is what the nodes of a Cluster are", () => {
    compiled(() => {
      expectTypeOf(new Cluster([6379]).nodes("master")).toEqualTypeOf<Redis[]>();
    });
    expect(Cluster.prototype.nodes).toBeTypeOf("function");
  });

  it("takes every form of arguments that ioredis takes", () => {
    compiled(() => {
      const options: RedisOptions = { keyPrefix: "a:", resilience: { deadline: 1000 } };
      for (const Class of [Redis, Default]) {
        use(new Class(), new Class(6379), new Class("redis://h"), new Class(options), new Class(6379, "h"));
        use(new Class(6379, options), new Class("redis://h", options), new Class(6379, "h", options));
      }
      use(createRedis(), createRedis(6379), createRedis("redis://h"), createRedis(options), createRedis(6379, "h"));
      use(createRedis(6379, options), createRedis("redis://h", options), createRedis(6379, "h", options));
      const plain: Omit<ioredis.RedisOptions, "replyMapping"> = { host: "h" };
      use(new Redis(plain));
    });
  });

  it("gives replies the types that ioredis gives them", () => {
    type Reply<K extends "get" | "getBuffer" | "hgetall" | "incr" | "quit"> = ReturnType<Redis[K]>;
    expectTypeOf<Reply<"get">>().resolves.toEqualTypeOf<string | null>();
    expectTypeOf<Reply<"getBuffer">>().resolves.toEqualTypeOf<Buffer | null>();
    expectTypeOf<Reply<"hgetall">>().resolves.toEqualTypeOf<Record<string, string>>();
    expectTypeOf<Reply<"incr">>().resolves.toEqualTypeOf<number>();
    compiled(() => {
      const redis = createRedis();
      const results: Promise<[error: Error | null, result: unknown][] | null> = redis.multi().set("a", 1).exec();
      void results;
      void redis.set("a", 1, "EX", 10, (error, reply) => use(error?.message, reply));
    });
  });
});

describe("what is ours", () => {
  it("stays ours in duplicates and views", () => {
    expectTypeOf(Redis.prototype.duplicate).toBeFunction();
    compiled(() => {
      const redis = createRedis();
      expectTypeOf(redis.duplicate()).toHaveProperty("withDeadline");
      expectTypeOf(redis.duplicate({ db: 1, resilience: { deadline: false } })).toHaveProperty("stats");
      expectTypeOf(redis.with({ deadline: 100, ambiguous: "replay" })).toEqualTypeOf<Redis>();
      expectTypeOf(redis.withDeadline(100).get("k")).resolves.toEqualTypeOf<string | null>();
      expectTypeOf(redis.with({ signal: new AbortController().signal }).duplicate()).toExtend<Redis>();
    });
  });

  it("has types for state and failures", () => {
    compiled(() => {
      const redis = createRedis();
      expectTypeOf(redis.stats()).toEqualTypeOf<Stats>();
      expectTypeOf(redis.health()).toEqualTypeOf<Health>();
      expectTypeOf(redis.policy).toEqualTypeOf<Policy>();
      expectTypeOf(redis.close({ drain: 100 })).toEqualTypeOf<Promise<void>>();
      expectTypeOf(classify(new Error("x"))).toEqualTypeOf<Diagnosis>();
      const error: unknown = undefined;
      if (IoredoubtError.is(error)) expectTypeOf(error.diagnosis).toEqualTypeOf<Diagnosis | undefined>();
    });
    expectTypeOf<Redis>().toExtend<AsyncDisposable>();
  });
});

describe("options", () => {
  it("keep ioredis's keys and take one more", () => {
    expectTypeOf<RedisOptions>().toExtend<ioredis.RedisOptions>();
    expectTypeOf<RedisOptions>().toHaveProperty("resilience");
    compiled(() => {
      const parts: ResilienceOptions = {
        profile: ["production", "serverless"],
        deadline: false,
        retry: { retries: 1, budget: false },
        breaker: false,
        queue: { maxCommands: 10 },
        heartbeat: false,
        logger: false,
        fallback: (command, error) => [command.name, error.message],
      };
      use(createRedis({ resilience: parts }));
    });
  });

  it("do not compile when they are misspelt", () => {
    compiled(() => {
      // @ts-expect-error `deadlne` is not an option
      use(createRedis({ resilience: { deadlne: 100 } }));
      // @ts-expect-error `resilence` is not an option
      use(createRedis({ resilence: {} }));
      // @ts-expect-error a deadline is a number or false
      use(createRedis({ resilience: { deadline: "5s" } }));
      // @ts-expect-error there is no such profile
      use(createRedis({ resilience: { profile: "prodution" } }));
      // @ts-expect-error `downafter` is written `downAfter`
      use(new Redis(6379, "h", { resilience: { breaker: { downafter: 1 } } }));
      // @ts-expect-error there is no such way to treat a lost reply
      createRedis().with({ ambiguous: "always" });
      // @ts-expect-error a fallback is a function
      use(createRedis({ resilience: { fallback: null } }));
    });
  });
});

describe("exports", () => {
  it("hold every name that ioredis exports, the same thing under it except for what this package replaces", async () => {
    const ours: Readonly<Record<string, unknown>> = await import("../../src/index.js");
    const theirs: Readonly<Record<string, unknown>> = { ...ioredis };
    const names = Object.keys(theirs).filter((name) => name !== "__esModule" && name !== "module.exports");
    expect(names.length).toBeGreaterThan(8);
    const replaced = names.filter((name) => ours[name] !== theirs[name]);
    expect(replaced.sort()).toEqual(["Cluster", "Redis", "default"]);
  });

  it("replace Cluster, and do not let a policy be written where nobody reads it", () => {
    compiled(() => {
      use(new Cluster([6379], { resilience: { deadline: 1000 } }));
      // @ts-expect-error ioredis's own takes no policy.
      use(new ioredis.Cluster([6379], { resilience: { deadline: 1000 } }));
      // @ts-expect-error Nor do the options of the nodes' clients: there is one policy.
      use(new Cluster([6379], { redisOptions: { resilience: { deadline: 1000 } } }));
    });
    expect(Cluster.prototype).toBeInstanceOf(ioredis.Cluster);
  });

  it("compile with every type name of ioredis", () => {
    compiled(() => {
      type Names = [
        import("../../src/index.js").Callback,
        import("../../src/index.js").ChainableCommander,
        import("../../src/index.js").ClusterNode,
        import("../../src/index.js").ClusterOptions,
        import("../../src/index.js").NatMap,
        import("../../src/index.js").RedisKey,
        import("../../src/index.js").RedisValue,
        import("../../src/index.js").SentinelAddress,
        import("../../src/index.js").ScanStreamOptions,
      ];
      expectTypeOf<Names["length"]>().toEqualTypeOf<9>();
    });
  });
});

describe("replyMapping", () => {
  it("decides the types of replies, of views and of duplicates", () => {
    compiled(() => {
      const Class = Redis as unknown as RedisClass;
      const mapped = new Class({ replyMapping: "resp3" });
      expectTypeOf(mapped.zscore("k", "m")).resolves.toEqualTypeOf<number | null>();
      expectTypeOf(mapped.with({ deadline: 1 }).zscore("k", "m")).resolves.toEqualTypeOf<number | null>();
      expectTypeOf(mapped.duplicate().zscore("k", "m")).resolves.toEqualTypeOf<number | null>();
      expectTypeOf(mapped.duplicate({ replyMapping: "legacy" }).zscore("k", "m")).resolves.toEqualTypeOf<
        string | null
      >();
      expectTypeOf(mapped.health()).toEqualTypeOf<Health>();
      const takesMapped = (client: ioredis.Redis<"resp3">): unknown => client;
      takesMapped(mapped);
    });
    expect(Redis).toBe(Default);
  });

  it("is legacy where nothing is said, and where it is known at run time only", () => {
    compiled(() => {
      const Class = Redis as unknown as RedisClass;
      const options: RedisOptions = {};
      for (const redis of [new Class(), new Class({}), new Class(options), new Class(6379, "h", options)]) {
        expectTypeOf(redis).toEqualTypeOf<Redis>();
      }
      class Mine extends Class {
        own = 1;
      }
      expectTypeOf(new Mine().get("k")).resolves.toEqualTypeOf<string | null>();
    });
    expect(Redis).toBe(Default);
  });
});
