/** `ioredoubt/doctor`: finds out why a connection to Redis does not work, and says so. */
export { diagnoseConnection, type DiagnoseOptions } from "./diagnose.js";
export type { Finding, Status } from "./finding.js";
export { renderHtml } from "./html-report.js";
export type { Address, Machine } from "./machine.js";
export { passiveVerdict, type PassiveOptions, type PassiveVerdict } from "./passive.js";
export { exitCodeOf, type CheckReport, type Report, type ReportTarget, type Verdict } from "./report.js";
export type { RunEvents } from "./run-checks.js";
export type { TargetOptions } from "./target.js";
export { renderText } from "./text-report.js";
export type { Topic } from "./topics.js";
