import { describe, expect, it } from "vitest";
import { accepts, listenerName, parseTcp } from "../../src/doctor/local/proc-net.js";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const four = `${HEAD}
   0: 0100007F:18EB 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 4242 1 0000000000000000 100 0 0 10 0
   1: 0201000A:D3A0 0100000A:18EB 01 00000000:00000000 02:0000 00000000  1000        0 4243 1 0000000000000000 20 4 30 10 -1`;
const six = `${HEAD}
   0: 00000000000000000000000000000000:18EB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 77 1
   1: 00000000000000000000000001000000:18EC 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 78 1
   2: 0000000000000000FFFF00000100007F:18ED 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 79 1
   3: B80D0120000000000000000001000000:18EE B80D0120000000000000000002000000:0001 06 00000000:00000000 00:0 0 0 0 80 1`;

describe(parseTcp, () => {
  it("reads addresses, ports, state, accept queue and inode", () => {
    expect(parseTcp(four)).toEqual([
      {
        localAddress: "127.0.0.1",
        localPort: 6379,
        remoteAddress: "0.0.0.0",
        remotePort: 0,
        state: "LISTEN",
        queued: 3,
        inode: "4242",
      },
      {
        localAddress: "10.0.1.2",
        localPort: 54_176,
        remoteAddress: "10.0.0.1",
        remotePort: 6379,
        state: "ESTABLISHED",
        queued: 0,
        inode: "4243",
      },
    ]);
  });

  it("reads IPv6 in its short form, and mapped IPv4 as IPv4", () => {
    expect(parseTcp(six).map((one) => `${one.localAddress} ${one.state}`)).toEqual([
      ":: LISTEN",
      "::1 LISTEN",
      "127.0.0.1 LISTEN",
      "2001:db8::1 TIME_WAIT",
    ]);
  });

  it("leaves out lines it cannot read", () => {
    expect(parseTcp("")).toEqual([]);
    expect(parseTcp(`${HEAD}\n nonsense\n   0: XX:18EB 0:0 0A`)).toEqual([]);
  });
});

describe(accepts, () => {
  const [loopback] = parseTcp(four);
  const [any] = parseTcp(six);
  if (loopback === undefined || any === undefined) throw new Error("the table is empty");

  it("accepts its own address only, and a wildcard everything", () => {
    expect(accepts(loopback, "127.0.0.1")).toBe(true);
    expect(accepts(loopback, "10.0.0.5")).toBe(false);
    expect(accepts(any, "10.0.0.5")).toBe(true);
    expect(accepts({ ...any, localAddress: "0.0.0.0" }, "2001:db8::1")).toBe(false);
  });

  it("is named as a person would", () => {
    expect(listenerName(loopback)).toBe("127.0.0.1:6379");
    expect(listenerName(any)).toBe("every address, port 6379");
    expect(listenerName({ ...any, localAddress: "::1" })).toBe("[::1]:6379");
  });
});
