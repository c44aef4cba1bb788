/** Everything public, listed one by one. The ioredis part makes the import line the only change in a drop-in. */
export {
  AbstractConnector,
  Command,
  Pipeline,
  print,
  ReplyError,
  ScanStream,
  SentinelConnector,
  SentinelIterator,
} from "ioredis";
// Types differ between ioredis 5 and 6: the user's copy says which there are. Our own of the same name go before them.
export type * from "ioredis";

export { Cluster, createCluster } from "./cluster.js";
export type {
  ClusterConnectionOptions,
  ClusterFromEnvironmentOptions,
  ClusterHealth,
  ClusterLiveness,
  ClusterOptions,
  ClusterReadiness,
  ClusterReadinessOptions,
  ClusterStats,
} from "./cluster.js";
export { createRedis } from "./create-redis.js";
export { defineProfile, type ProfileDefinition } from "./policy/define-profile.js";
export { explainPolicy, type ExplainedValue, type PolicyExplanation } from "./policy/explain-policy.js";
export type { FromEnvironmentOptions } from "./policy/environment/from-environment.js";
export type { Profile, ProfileName } from "./policy/shape.js";
export { Redis, Redis as default } from "./redis.js";
export type { CloseOptions, RedisOptions, TransactionScope } from "./redis.js";
export type {
  Credentials,
  CredentialsEndpoint,
  CredentialsProvider,
  CredentialsReason,
  CredentialsRequest,
} from "./credentials/provider.js";
export { credentialsFromFile, type FileCredentialsOptions } from "./credentials/from-file.js";
export type { CallOptions } from "./engine/ports.js";
export type { Resubscribed } from "./ioredis/resubscription.js";
export { effectOf, type Effect, type EffectKind } from "./command/effect.js";
export { classify } from "./failure/classify.js";
export { CODES, type Code } from "./failure/codes.js";
export type {
  Applied,
  Area,
  Diagnosis,
  EndpointInfo,
  FailureContext,
  NextStep,
  Severity,
} from "./failure/diagnosis.js";
export {
  AbortedError,
  CircuitOpenError,
  ClosedError,
  ConfigError,
  DeadlineError,
  IoredoubtError,
  OutcomeUnknownError,
  PoolTimeoutError,
  QueueFullError,
  TransactionAbortedError,
  UnavailableError,
} from "./failure/errors.js";
export type { ConfigProblem } from "./failure/errors.js";
export type { FailureState } from "./failure/state.js";
export type { Logger } from "./policy/shape.js";
export { serializeError } from "./failure/serialize.js";
export type { Consuming, Wait } from "./client/consuming.js";
export type { Health, HealthStatus, Liveness, Readiness, ReadinessOptions, StartupOptions } from "./client/health.js";
export type { PoolStats, Stats } from "./client/stats.js";
export { FAMILIES, type Family } from "./command/families.js";
export type { Latency } from "./engine/latency.js";
export type { FamilyCounts } from "./engine/outcomes.js";
export type { CircuitKind, CircuitState, ServerIdentity } from "./engine/ports.js";
export type { EventListener, EventTypes, IncidentEnding, IncidentNumbers, ResilienceEvent } from "./observe/events.js";
export { TransactionConflictError } from "./lease/conflict.js";
export type { ConnectionOptions } from "./lease/with-connection.js";
export type { Holder, LeaseStats, PoolSnapshot } from "./failure/pool-snapshot.js";
export type { TransactionOptions, TransactionResult } from "./lease/transaction.js";
export type { FailedCommand, Policy, ResilienceOptions } from "./policy/shape.js";
