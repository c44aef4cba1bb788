import { describe, expect, it } from "vitest";
import { blockingLines } from "../../src/doctor/local/firewall.js";

describe(blockingLines, () => {
  it("finds iptables rules for the port and policies, and leaves out other ports", () => {
    const text = [
      "-P INPUT DROP",
      "-P OUTPUT ACCEPT",
      "-A INPUT -p tcp -m tcp --dport 6379 -j REJECT --reject-with icmp-port-unreachable",
      "-A INPUT -p tcp -m multiport --dports 22,6370:6380 -j DROP",
      "-A INPUT -p tcp -m tcp --dport 80 -j DROP",
      "-A INPUT -p udp -j DROP",
      "-A INPUT -p tcp -m tcp --dport 6379 -j ACCEPT",
      "-A INPUT -m state --state INVALID -j DROP",
    ].join("\n");
    expect(blockingLines(text, 6379)).toEqual([
      "-P INPUT DROP",
      "-A INPUT -p tcp -m tcp --dport 6379 -j REJECT --reject-with icmp-port-unreachable",
      "-A INPUT -p tcp -m multiport --dports 22,6370:6380 -j DROP",
    ]);
  });

  it("reads nftables, ufw and firewalld", () => {
    const nft =
      "table inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n  tcp dport { 6379, 6380 } reject\n  tcp dport 22 drop\n }\n}";
    expect(blockingLines(nft, 6379)).toEqual([
      "type filter hook input priority 0; policy drop;",
      "tcp dport { 6379, 6380 } reject",
    ]);
    expect(blockingLines("Status: active\n6379/tcp DENY Anywhere\n22/tcp DENY Anywhere", 6379)).toEqual([
      "6379/tcp DENY Anywhere",
    ]);
    expect(blockingLines('rule family="ipv4" port port="6379" protocol="tcp" reject', 6379)).toHaveLength(1);
    expect(blockingLines('rule family="ipv4" port port="22" protocol="tcp" reject', 6379)).toEqual([]);
  });

  it("finds nothing where nothing is refused", () => {
    expect(blockingLines("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-N DOCKER", 6379)).toEqual([]);
    expect(blockingLines("", 6379)).toEqual([]);
  });
});
