/** Failures to find the address of a name. */
import type { Entry } from "./entry.js";

const BASE = { area: "network", severity: "error", retryable: true, breaker: "read-write", applied: "never" } as const;

export const NAMES: readonly Entry[] = [
  {
    ...BASE,
    code: "DNS_NOT_FOUND",
    name: "host name not found",
    title: "The name {hostname} does not exist.",
    means: "The resolver answered that there is no such name. Nothing was sent to Redis.",
    why: [
      "The name is misspelt, or belongs to another environment.",
      {
        say: "The name is known only inside another network: a Compose project, a Kubernetes namespace, a VPC.",
        when: "remote",
      },
      "The host option contains more than a name: a port, a scheme or quotes.",
      { say: "The managed instance was deleted or renamed.", when: "managed" },
    ],
    next: [
      { say: "Ask the resolver yourself", run: "getent hosts {host}", when: "linux" },
      { say: "Ask the resolver yourself", run: "dscacheutil -q host -a name {host}", when: "mac" },
      { say: "Ask the DNS server directly", run: "dig +short {host}" },
      {
        say: "From inside the pod or container, with the full service name",
        run: "getent hosts redis.NAMESPACE.svc.cluster.local",
        when: "kubernetes",
      },
    ],
    findOut: [
      { say: "Which resolver is used here?", run: "cat /etc/resolv.conf" },
      { say: "Does the name exist for anybody?", run: "dig +short {host} @1.1.1.1" },
      { say: "Which value does the application really use?", run: "npx ioredoubt config" },
    ],
    fix: [
      "Correct the name where it is set; the host option takes a bare name, the port has its own option.",
      "Compose: both services must share a network, and the service name is the host name.",
      "Kubernetes across namespaces: `service.namespace.svc.cluster.local`.",
    ],
    prevent: [
      "Check the name at deployment, before the application needs it.",
      "Use names, not addresses, so that a failover can move them.",
    ],
    examples: ["getaddrinfo ENOTFOUND redis.example.invalid", "queryA ENODATA redis.internal"],
  },
  {
    ...BASE,
    code: "DNS_TEMPORARY",
    name: "name lookup failed for now",
    title: "The name {hostname} could not be looked up just now.",
    means:
      "The resolver did not answer, or answered that it cannot tell at the moment. The name may well exist. Nothing was sent to Redis.",
    why: [
      "The DNS server is unreachable or overloaded.",
      {
        say: "The container or pod has no working DNS (CoreDNS down, ndots searching six names for one).",
        when: "container",
      },
      "This machine has no network at the moment.",
    ],
    next: [
      { say: "Ask again, with timing", run: "time getent hosts {host}", when: "linux" },
      { say: "See which DNS servers are asked", run: "cat /etc/resolv.conf", when: "linux" },
      { say: "Ask again, with timing", run: "time dscacheutil -q host -a name {host}", when: "mac" },
      { say: "See which DNS servers are asked", run: "scutil --dns", when: "mac" },
      {
        say: "See whether CoreDNS is well",
        run: "kubectl -n kube-system get pods -l k8s-app=kube-dns",
        when: "kubernetes",
      },
    ],
    findOut: [
      { say: "Does each server answer?", run: "dig +time=2 +tries=1 {host}" },
      { say: "Are DNS packets answered at all?", run: "tcpdump -nn -i any port 53" },
    ],
    fix: [
      "Repair or replace the DNS server; a second `nameserver` line helps only if it knows the same names.",
      "Kubernetes: write the name with a final dot to skip the search list.",
    ],
    prevent: [
      "Run a caching resolver on the node (NodeLocal DNSCache, systemd-resolved).",
      "Watch DNS errors: Redis is seldom the only victim.",
    ],
    examples: ["getaddrinfo EAI_AGAIN redis", "queryA ESERVFAIL redis.internal", "queryA ETIMEOUT redis.internal"],
  },
];
