/**
 * The only commands the doctor can send. All of them look and none of them changes data, configuration or another client;
 * AUTH, HELLO and SELECT concern the doctor's own connection.
 */
const ALLOWED: ReadonlySet<string> = new Set([
  "PING",
  "AUTH",
  "HELLO",
  "SELECT",
  "ROLE",
  "INFO",
  "CONFIG GET",
  "CLUSTER INFO",
  "CLUSTER NODES",
  "SLOWLOG GET",
  "LATENCY LATEST",
  "ACL DRYRUN",
  "COMMAND INFO",
  "SENTINEL GET-MASTER-ADDR-BY-NAME",
  "SENTINEL MASTER",
  "SENTINEL MASTERS",
  "SENTINEL REPLICAS",
  "SENTINEL CKQUORUM",
]);

/** Whether the doctor may send this. */
export function isReadOnly(command: readonly string[]): boolean {
  const [name = "", sub = ""] = command.slice(0, 2).map((word) => word.toUpperCase());
  return ALLOWED.has(name) || ALLOWED.has(`${name} ${sub}`);
}
