import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { isReadOnly } from "../../src/doctor/wire/read-only.js";
import { encode, ErrorReply, NotRedisError, pairsOf, readReply, TooLargeError } from "../../src/doctor/wire/resp.js";
import { RespClient } from "../../src/doctor/wire/resp-client.js";

const read = (text: string): unknown => readReply(Buffer.from(text), 0)?.value;

describe(readReply, () => {
  it("reads every type the doctor meets", () => {
    expect(read("+PONG\r\n")).toBe("PONG");
    expect(read("-NOAUTH no\r\n")).toEqual(new ErrorReply("NOAUTH no"));
    expect(read(":42\r\n")).toBe(42);
    expect(read("$5\r\nh\r\nlo\r\n")).toBe("h\r\nlo");
    expect(read("$-1\r\n")).toBeNull();
    expect(read("*2\r\n$1\r\na\r\n*1\r\n:1\r\n")).toEqual(["a", [1]]);
    expect(read("%1\r\n+k\r\n+v\r\n")).toEqual(["k", "v"]);
  });

  it("waits for the rest wherever the bytes are cut", () => {
    const whole = Buffer.from("*2\r\n$2\r\nab\r\n*1\r\n-ERR x\r\n");
    for (let end = 0; end < whole.length; end++) expect(readReply(whole.subarray(0, end), 0)).toBeUndefined();
    expect(readReply(whole, 0)?.next).toBe(whole.length);
  });

  it("refuses what is not Redis, and sizes nobody sends", () => {
    expect(() => read("HTTP/1.1 400 Bad Request\r\n")).toThrow(NotRedisError);
    expect(() => read("*99999999999\r\n")).toThrow(TooLargeError);
    expect(() => read("*1\r\n".repeat(20))).toThrow(TooLargeError);
    expect(() => read("$x\r\n")).toThrow(NotRedisError);
  });

  it("encodes bytes, not characters", () => {
    expect(encode(["AUTH", "pä"])).toBe("*2\r\n$4\r\nAUTH\r\n$3\r\npä\r\n");
  });

  it("takes pairs out of a flat list", () => {
    expect([...pairsOf(["mode", "standalone", "proto", 2, "modules", []])]).toEqual([
      ["mode", "standalone"],
      ["proto", "2"],
    ]);
    expect(pairsOf(null).size).toBe(0);
  });
});

describe(isReadOnly, () => {
  it("lets commands pass that look, and none that changes or weighs on the server", () => {
    for (const line of ["PING", "info", "CONFIG GET maxmemory", "slowlog get 3", "ACL DRYRUN default set k v"]) {
      expect(isReadOnly(line.split(" ")), line).toBe(true);
    }
    for (const sub of ["MASTER m", "masters", "REPLICAS m", "CKQUORUM m"])
      expect(isReadOnly(`SENTINEL ${sub}`.split(" ")), sub).toBe(true);
    const refused = [
      "SENTINEL FAILOVER m",
      "SENTINEL SET m quorum 1",
      "SENTINEL RESET m",
      "SET k v",
      "GET k",
      "CONFIG SET a b",
      "KEYS *",
      "MONITOR",
      "DEBUG SLEEP 1",
      "FLUSHALL",
      "SLOWLOG RESET",
      "LATENCY RESET",
      "ACL SETUSER x",
      "CLIENT KILL 1",
      "SCAN 0",
      "EVAL x 0",
      "MULTI",
      "",
    ];
    for (const line of refused) expect(isReadOnly(line.split(" ")), line).toBe(false);
  });

  it("is enforced where commands are sent", () => {
    const client = new RespClient(new Socket(), 100);
    expect(() => client.send("SET", "k", "v")).toThrow("the doctor does not send SET");
    client.close();
  });
});
