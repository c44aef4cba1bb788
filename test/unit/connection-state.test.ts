/** The states of a connection as commands see it, and every way from one to another. */
import { describe, expect, it } from "vitest";
import { ConnectionState, type PauseReason } from "../../src/engine/connection-state.js";

type Step = (connection: ConnectionState) => void;

/** A way into each state of the link. */
const WAYS = {
  down: [],
  probing: [(connection) => connection.connected(true)],
  releasing: [(connection) => connection.connected(false)],
  open: [(connection) => connection.connected(false), (connection) => connection.released()],
  paused: [(connection) => connection.connected(false), (connection) => connection.pause("backoff")],
} satisfies Readonly<Record<string, readonly Step[]>>;

type Link = keyof typeof WAYS;

const STEPS = {
  connected: (connection) => connection.connected(false),
  "connected, circuit open": (connection) => connection.connected(true),
  probed: (connection) => connection.probed(),
  released: (connection) => connection.released(),
  pause: (connection) => connection.pause("backoff"),
  resume: (connection) => connection.resume("backoff"),
  lost: (connection) => connection.lost(),
} satisfies Readonly<Record<string, Step>>;

type StepName = keyof typeof STEPS;

/** What each step makes of each state. */
const TABLE: Readonly<Record<Link, Readonly<Record<StepName, Link>>>> = {
  down: {
    connected: "releasing",
    "connected, circuit open": "probing",
    probed: "down",
    released: "down",
    pause: "down",
    resume: "down",
    lost: "down",
  },
  probing: {
    connected: "releasing",
    "connected, circuit open": "probing",
    probed: "releasing",
    released: "probing",
    // Nothing goes as it is; the pause would outlast its reason.
    pause: "probing",
    resume: "probing",
    lost: "down",
  },
  releasing: {
    connected: "releasing",
    "connected, circuit open": "probing",
    probed: "releasing",
    released: "open",
    pause: "paused",
    resume: "releasing",
    lost: "down",
  },
  open: {
    connected: "releasing",
    "connected, circuit open": "probing",
    probed: "open",
    released: "open",
    pause: "paused",
    resume: "open",
    lost: "down",
  },
  paused: {
    // A pause concerns one connection.
    connected: "releasing",
    "connected, circuit open": "probing",
    probed: "paused",
    released: "paused",
    pause: "paused",
    // What came meanwhile waits, and goes first.
    resume: "releasing",
    lost: "down",
  },
};

const LINKS = Object.keys(WAYS) as Link[];
const STEP_NAMES = Object.keys(STEPS) as StepName[];
const ALL = LINKS.flatMap((from) => STEP_NAMES.map((step) => [from, step, TABLE[from][step]] as const));

function connectionIn(link: Link): ConnectionState {
  const connection = new ConnectionState();
  for (const step of WAYS[link]) step(connection);
  return connection;
}

/** The state of its link, by all that it says of itself; it takes new commands. */
function linkOf(connection: ConnectionState): Link {
  const { isOpen, isConnected, isProbing, mayRelease } = connection;
  const said = { isOpen, isConnected, isProbing, mayRelease, isPaused: connection.isPausedBy("backoff") };
  const found = LINKS.filter((link) => JSON.stringify(said) === JSON.stringify(SAYS[link]));
  expect(found, JSON.stringify(said)).toHaveLength(1);
  return found[0] ?? "down";
}

const SAYS: Readonly<Record<Link, Readonly<Record<string, boolean>>>> = {
  down: { isOpen: false, isConnected: false, isProbing: false, mayRelease: false, isPaused: false },
  probing: { isOpen: false, isConnected: true, isProbing: true, mayRelease: false, isPaused: false },
  releasing: { isOpen: false, isConnected: true, isProbing: false, mayRelease: true, isPaused: false },
  open: { isOpen: true, isConnected: true, isProbing: false, mayRelease: true, isPaused: false },
  paused: { isOpen: false, isConnected: true, isProbing: false, mayRelease: false, isPaused: true },
};

describe("a connection", () => {
  it.each(ALL)("that is %s: %s makes it %s", (from, step, to) => {
    const connection = connectionIn(from);
    STEPS[step](connection);
    expect(linkOf(connection)).toBe(to);
    expect(connection).toMatchObject({ accepts: true, isClosed: false });
  });

  it("is down before anything has happened", () => {
    expect(linkOf(new ConnectionState())).toBe("down");
  });
});

describe("a draining connection", () => {
  it.each(LINKS)("that is %s takes no new commands, and what waits may go as before", (link) => {
    const connection = connectionIn(link);
    const { isConnected, isProbing, mayRelease } = connection;
    connection.drain();
    expect(connection).toMatchObject({ accepts: false, isOpen: false, isClosed: false });
    expect(connection).toMatchObject({ isConnected, isProbing, mayRelease });
    expect(connection.isPausedBy("backoff")).toBe(link === "paused");
    connection.drain();
    expect(connection).toMatchObject({ accepts: false, isConnected, isProbing, mayRelease });
  });

  it.each(ALL)("that is %s: %s makes it %s, and it takes commands again when it is revived", (from, step, to) => {
    const connection = connectionIn(from);
    connection.drain();
    STEPS[step](connection);
    expect(connection).toMatchObject({ accepts: false, isOpen: false });
    connection.revive();
    expect(connection.accepts).toBe(true);
    expect(linkOf(connection)).toBe(to);
  });
});

describe("a closed connection", () => {
  it.each(STEP_NAMES)("stays closed: %s changes nothing", (step) => {
    const connection = connectionIn("open");
    connection.close();
    STEPS[step](connection);
    connection.drain();
    expect(connection).toMatchObject({ isClosed: true, accepts: false, isOpen: false, isConnected: false });
    expect(connection.mayRelease).toBe(false);
  });

  it.each(LINKS)("is down when it is revived, whether it was %s or drained before", (link) => {
    for (const isDraining of [false, true]) {
      const connection = connectionIn(link);
      if (isDraining) connection.drain();
      connection.close();
      connection.revive();
      expect(linkOf(connection)).toBe("down");
      expect(connection).toMatchObject({ accepts: true, isClosed: false });
    }
  });

  it.each(LINKS)("is what revive is for: one that is %s stays so", (link) => {
    const connection = connectionIn(link);
    connection.revive();
    expect(linkOf(connection)).toBe(link);
  });
});

describe("a pause", () => {
  const REASONS: readonly PauseReason[] = [
    ...(["backoff", "refused", "block", "suspended", "select", "moving", "batch", "unwritable"] as const),
  ];

  it("lasts until each of its reasons is over, in any order", () => {
    const connection = connectionIn("open");
    for (const reason of REASONS) connection.pause(reason);
    for (const reason of [...REASONS].reverse()) {
      expect(connection.isPausedBy(reason)).toBe(true);
      expect(connection.mayRelease).toBe(false);
      connection.resume(reason);
      expect(connection.isPausedBy(reason)).toBe(false);
    }
    expect(linkOf(connection)).toBe("releasing");
  });

  it("is over with one resume, however often it was asked for", () => {
    const connection = connectionIn("open");
    connection.pause("select");
    connection.pause("select");
    connection.resume("select");
    expect(connection.mayRelease).toBe(true);
  });

  it("does not end with a reason that it does not have", () => {
    const connection = connectionIn("open");
    connection.pause("select");
    connection.resume("backoff");
    expect(connection.isPausedBy("select")).toBe(true);
    expect(connection.mayRelease).toBe(false);
  });

  it("says whether a reason is the only one", () => {
    const connection = connectionIn("open");
    expect(connection.isPausedOnlyBy("backoff")).toBe(false);
    connection.pause("backoff");
    expect(connection.isPausedOnlyBy("backoff")).toBe(true);
    expect(connection.isPausedOnlyBy("block")).toBe(false);
    connection.pause("block");
    expect(connection.isPausedOnlyBy("backoff")).toBe(false);
    connection.resume("block");
    expect(connection.isPausedOnlyBy("backoff")).toBe(true);
  });

  it("is forgotten with its connection, all reasons of it", () => {
    const connection = connectionIn("open");
    for (const reason of REASONS) connection.pause(reason);
    connection.lost();
    connection.connected(false);
    connection.released();
    expect(connection.isOpen).toBe(true);
    expect(REASONS.some((reason) => connection.isPausedBy(reason))).toBe(false);
  });
});
