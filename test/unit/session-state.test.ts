import { describe, expect, it } from "vitest";
import { SessionState, type SessionCommand, type TransactionContext } from "../../src/engine/session-state.js";

/** `watch`, `client tracking on`: sent one after the other, each with the transaction it counts on. */
function send(session: SessionState, ...commands: string[]): (TransactionContext | undefined)[] {
  return commands.map((command) => sendOne(session, command, undefined));
}

/** The members of one batch. */
function sendBatch(session: SessionState, ...commands: string[]): (TransactionContext | undefined)[] {
  const batch = {};
  return commands.map((command) => sendOne(session, command, batch));
}

function sendOne(session: SessionState, command: string, batch: object | undefined): TransactionContext | undefined {
  return session.sent(parsed(command), batch);
}

function parsed(command: string): SessionCommand {
  const [name = "", ...args] = command.split(" ");
  return { name, args };
}

/** After these commands the connection was lost, and nobody has been told. */
function lostAfter(...commands: string[]): SessionState {
  const session = new SessionState();
  send(session, ...commands);
  session.connectionLost(0);
  return session;
}

describe("what a connection holds", () => {
  it.each([
    [[], undefined, undefined],
    [["watch k"], "WATCH", "unwatch"],
    [["WATCH k"], "WATCH", "unwatch"],
    [["watch k", "unwatch"], undefined, undefined],
    [["watch k", "multi", "exec"], undefined, undefined],
    [["watch k", "multi", "discard"], undefined, undefined],
    [["multi"], "MULTI", "discard"],
    [["watch k", "multi"], "MULTI", "discard"],
    [["multi", "discard"], undefined, undefined],
    [["multi", "reset"], undefined, undefined],
    [["watch k", "reset"], undefined, undefined],
    // The server queues it.
    [["multi", "unwatch"], "MULTI", "discard"],
    // The server refuses it.
    [["multi", "watch k"], "MULTI", "discard"],
    [["multi", "watch k", "exec"], undefined, undefined],
    [["multi", "multi"], "MULTI", "discard"],
    [["watch k", "get a", "set a 1"], "WATCH", "unwatch"],
    // The server refuses both, and keeps the WATCH.
    [["watch k", "exec"], "WATCH", "unwatch"],
    [["watch k", "discard"], "WATCH", "unwatch"],
  ] as const)("after %j is %s, ended by %s", (commands, guard, undo) => {
    const session = new SessionState();
    send(session, ...commands);
    expect(session.guard).toBe(guard);
    expect(session.isHolding).toBe(guard !== undefined);
    expect(session.isInMulti).toBe(guard === "MULTI");
    expect(session.undo).toBe(undo);
  });

  it("is nothing for a batch that brings its own EXEC", () => {
    const session = new SessionState();
    expect(sendBatch(session, "multi", "set k 1", "exec", "get k")).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(session.isHolding).toBe(false);
  });

  it("is the MULTI that a batch left open, for whatever comes behind that batch", () => {
    const session = new SessionState();
    expect(sendBatch(session, "multi", "set k 1")).toEqual([undefined, undefined]);
    expect(session.isInMulti).toBe(true);
    expect(sendBatch(session, "set k 2")).toEqual([{ guard: "MULTI", executed: false }]);
    expect(send(session, "set k 3", "exec")).toEqual([
      { guard: "MULTI", executed: true },
      { guard: "MULTI", executed: true },
    ]);
    expect(session.isHolding).toBe(false);
  });

  it("is nothing when the server refused what was to begin it", () => {
    const session = new SessionState();
    const [watch, multi] = [parsed("watch k"), parsed("multi")];
    session.sent(watch, undefined);
    session.refused(watch);
    expect(session.guard).toBeUndefined();
    session.sent(multi, undefined);
    session.refused(multi);
    expect(session.guard).toBeUndefined();
  });

  it("stays when the server refused something else", () => {
    const session = new SessionState();
    const [first, second, nested] = [parsed("watch a"), parsed("watch b"), parsed("multi")];
    for (const command of [first, second]) session.sent(command, undefined);
    // Which of the two it refused tells nothing of the other.
    session.refused(second);
    session.refused(first);
    expect(session.guard).toBe("WATCH");
    send(session, "multi");
    session.sent(nested, undefined);
    session.refused(nested);
    expect(session.guard).toBe("MULTI");
  });

  it("is the WATCH again when the server refused the MULTI behind it", () => {
    const session = new SessionState();
    const multi = parsed("multi");
    send(session, "watch k");
    session.sent(multi, undefined);
    session.refused(multi);
    expect(session.guard).toBe("WATCH");
  });

  it("is gone with the batch that executes behind a WATCH", () => {
    const session = new SessionState();
    send(session, "watch k");
    sendBatch(session, "multi", "set k 1", "exec");
    expect(session.isHolding).toBe(false);
  });

  it("is nothing on a connection as new", () => {
    const session = new SessionState();
    send(session, "watch k", "select 1", "client tracking on");
    session.clear();
    expect(session).toMatchObject({ isHolding: false, selected: false, isDirty: false, isLost: false });
  });
});

describe("what only another connection is free of", () => {
  it.each([
    ...["subscribe c", "psubscribe c*", "ssubscribe c", "unsubscribe", "punsubscribe", "sunsubscribe", "monitor"],
    ...["auth secret", "hello 3", "reset", "quit", "readonly", "readwrite", "asking", "himport prepare h"],
    ...["client tracking on", "CLIENT REPLY off", "client setname x", "client no-evict on", "client unheard-of"],
    ...["script debug yes", "debug object k", "sync", "psync ? -1", "replconf x", "shutdown"],
  ])("begins with %s", (command) => {
    const session = new SessionState();
    send(session, command);
    expect(session.isDirty).toBe(true);
    session.connectionLost(0);
    expect(session.isDirty).toBe(false);
  });

  it.each([
    ...["get k", "set k v", "eval s 0", "unheard-of", "watch k", "multi", "select 1", "script load s", "wait 0 1"],
    ...["client id", "CLIENT List", "client kill id 1", "client pause 1", "client trackinginfo", "config set a b"],
  ])("does not begin with %s", (command) => {
    const session = new SessionState();
    send(session, command);
    expect(session.isDirty).toBe(false);
  });

  it("is not another database: that is chosen again, whatever became of the SELECT", () => {
    const session = new SessionState();
    send(session, "multi", "select 1", "discard");
    expect(session).toMatchObject({ selected: true, isDirty: false });
    session.connectionLost(0);
    expect(session.selected).toBe(false);
  });
});

describe("the number of a guard", () => {
  it("is that of the first WATCH as long as something is watched", () => {
    const session = new SessionState();
    expect(session.guardNumber).toBeUndefined();
    send(session, "watch a");
    const first = session.guardNumber;
    expect(first).toBeDefined();
    send(session, "get a", "watch b");
    expect(session.guardNumber).toBe(first);
  });

  it.each([[["unwatch"]], [["multi", "exec"]], [["multi", "discard"]], [["reset"]]])(
    "is another one for a WATCH after %j",
    (ending) => {
      const session = new SessionState();
      send(session, "watch a");
      const first = session.guardNumber;
      send(session, ...ending);
      expect(session.guardNumber).toBeUndefined();
      send(session, "watch a");
      expect(session.guardNumber).toBeDefined();
      expect(session.guardNumber).not.toBe(first);
    },
  );

  it("is another one on another connection, also when the loss was told and after a cleaning", () => {
    const session = new SessionState();
    const numbers = [0, 1, 2].map((round) => {
      send(session, "watch a");
      const number = session.guardNumber;
      if (round === 0) session.connectionLost(0);
      else session.clear();
      expect(session.guardNumber).toBeUndefined();
      return number;
    });
    expect(new Set(numbers).size).toBe(3);
  });

  it("is none inside an interactive MULTI, which takes the WATCH over", () => {
    const session = new SessionState();
    send(session, "watch a", "multi");
    expect(session.guardNumber).toBeUndefined();
  });
});

describe("the transaction that a command counts on", () => {
  it("is one for those between MULTI and EXEC, and whether EXEC was sent is known to all of them", () => {
    const session = new SessionState();
    const [multi, set, exec] = send(session, "multi", "set k 1", "exec");
    expect(set).toBe(multi);
    expect(exec).toBe(multi);
    expect(multi).toEqual({ guard: "MULTI", executed: true });
    const [open, queued] = send(session, "multi", "set k 1");
    expect(queued).toEqual({ guard: "MULTI", executed: false });
    expect(queued).toBe(open);
    expect(open).not.toBe(multi);
    expect(send(session, "discard", "set k 1")).toEqual([undefined, undefined]);
    expect(open).toEqual({ guard: "MULTI", executed: false });
  });

  it("is the open MULTI also for what the server will refuse or queue there, and for a batch", () => {
    const session = new SessionState();
    const [multi] = send(session, "multi");
    const inside = send(session, "watch k", "unwatch", "multi", "select 1", "client id");
    expect(inside.every((context) => context === multi)).toBe(true);
    expect(sendBatch(session, "multi", "set k 1").every((context) => context === multi)).toBe(true);
  });

  it("is the WATCH for the EXEC behind it, and for no other member of its batch, nor for the next batch", () => {
    const session = new SessionState();
    expect(send(session, "watch k", "get k")).toEqual([undefined, undefined]);
    const batch = sendBatch(session, "multi", "set k 1", "exec");
    expect(batch).toEqual([undefined, undefined, { guard: "WATCH", executed: true }]);
    expect(sendBatch(session, "multi", "set k 1", "exec")).toEqual([undefined, undefined, undefined]);
  });
});

describe("after a lost WATCH", () => {
  it("refuses one transaction up to its EXEC, then all is well again", () => {
    const session = lostAfter("watch k");
    expect(session.isLost).toBe(true);
    expect(session.check("get", 0)).toBeUndefined();
    expect(session.check("multi", 0)).toBe("WATCH");
    expect(["set", "multi", "incr", "exec"].map((name) => session.check(name, 0))).toEqual(
      Array(4).fill("refused MULTI"),
    );
    expect(session.isLost).toBe(false);
    expect(session.check("multi", 0)).toBeUndefined();
  });

  it("refuses nothing more once the caller of the refused MULTI has heard of it, or watches anew", () => {
    const heard = lostAfter("watch k");
    heard.check("multi", 0);
    heard.heard();
    expect(heard.check("set", 0)).toBeUndefined();
    const again = lostAfter("watch k");
    again.check("multi", 0);
    expect(again.check("watch", 0)).toBeUndefined();
    expect(again.check("multi", 0)).toBeUndefined();
  });

  it("is not forgotten because somebody has heard of a refusal", () => {
    const session = lostAfter("watch k");
    session.heard();
    expect(session.check("multi", 0)).toBe("WATCH");
  });

  it.each([
    [["multi", "set", "exec"], "WATCH"],
    [["get", "multi", "set", "exec"], "WATCH"],
    [["set", "exec"], "WATCH"],
    [["get", "watch"], "WATCH"],
    [["unwatch", "multi", "set", "exec"], undefined],
  ] as const)("refuses the batch %j with %s, once", (names, refusal) => {
    const session = lostAfter("watch k");
    expect(session.checkBatch(names, 0)).toBe(refusal);
    expect(session.isLost).toBe(false);
    expect(session.checkBatch(names, 0)).toBeUndefined();
  });

  it("does not concern a batch without a transaction", () => {
    const session = lostAfter("watch k");
    expect(session.checkBatch(["get", "set"], 0)).toBeUndefined();
    expect(session.isLost).toBe(true);
  });

  // Its EXEC would be taken for one that both guard.
  it.each(["watch", "exec", "WATCH"])("refuses %s, once", (name) => {
    const session = lostAfter("watch k");
    expect(session.check(name, 0)).toBe("WATCH");
    expect(session.isLost).toBe(false);
    expect(session.check(name, 0)).toBeUndefined();
  });

  it.each(["unwatch", "discard", "reset"])("is forgotten with %s", (name) => {
    const session = lostAfter("watch k");
    expect(session.check(name, 0)).toBeUndefined();
    expect(session.isLost).toBe(false);
  });

  it("is remembered for as long as it takes: only a transaction is refused", () => {
    const session = lostAfter("watch k");
    expect(session.check("get", 3_600_000)).toBeUndefined();
    expect(session.check("multi", 3_600_000)).toBe("WATCH");
  });

  it("has nothing more to tell an owner who knows", () => {
    const session = lostAfter("watch k");
    session.forgetLoss();
    expect(session.isLost).toBe(false);
    expect(session.check("multi", 0)).toBeUndefined();
  });

  it("tells a guard that was cut from one that its caller ended", () => {
    const session = new SessionState();
    send(session, "watch k", "unwatch");
    expect(session.wasCut).toBe(false);
    send(session, "watch k");
    session.connectionLost(0);
    expect(session.wasCut).toBe(true);
    send(session, "watch k", "multi", "exec");
    expect(session.wasCut).toBe(false);
  });

  it("has nothing to tell of a WATCH that had ended, or of a connection that held none", () => {
    expect(lostAfter("watch k", "unwatch").isLost).toBe(false);
    expect(lostAfter("set k 1").isLost).toBe(false);
  });
});

describe("after a lost MULTI", () => {
  it("refuses everything up to EXEC, the members of a batch too", () => {
    const session = lostAfter("multi");
    for (const name of ["set", "get", "multi", "watch", "set"]) expect(session.check(name, 0)).toBe("MULTI");
    expect(session.check("exec", 0)).toBe("MULTI");
    expect(session.isLost).toBe(false);
    expect(session.check("set", 0)).toBeUndefined();
  });

  it("lets the client quit", () => {
    expect(lostAfter("multi").check("quit", 0)).toBeUndefined();
  });

  it("refuses batches whole, up to the one with an EXEC that is not its own", () => {
    const session = lostAfter("multi");
    expect(session.checkBatch(["incr"], 0)).toBe("MULTI");
    expect(session.checkBatch(["multi", "set", "exec"], 0)).toBe("MULTI");
    expect(session.checkBatch(["set", "exec"], 0)).toBe("MULTI");
    expect(session.checkBatch(["set"], 0)).toBeUndefined();
  });

  it("is over with DISCARD, which says so", () => {
    const session = lostAfter("multi");
    expect(session.check("discard", 0)).toBe("MULTI");
    expect(session.isLost).toBe(false);
    expect(session.check("set", 0)).toBeUndefined();
  });

  it("is over with RESET, after which the server would have known of no MULTI either", () => {
    const session = lostAfter("multi");
    expect(session.check("reset", 0)).toBeUndefined();
    expect(session.check("set", 0)).toBeUndefined();
  });

  it("is not over with UNWATCH, which the server would have queued: what follows still counts on the MULTI", () => {
    const session = lostAfter("multi");
    session.check("unwatch", 0);
    expect(session.check("set", 0)).toBe("MULTI");
  });

  it("stays lost when the connection goes once more", () => {
    const session = lostAfter("multi");
    session.connectionLost(0);
    expect(session.check("set", 0)).toBe("MULTI");
  });

  it("stops refusing what others send on the same client after 30 s, and not before", () => {
    const session = new SessionState();
    send(session, "multi");
    session.connectionLost(1_000);
    expect(session.check("get", 30_999)).toBe("MULTI");
    // The one that comes first after so long a time still tells its owner.
    expect(session.check("get", 31_000)).toBe("MULTI");
    expect(session.isLost).toBe(false);
    expect(session.check("get", 31_000)).toBeUndefined();
  });
});
