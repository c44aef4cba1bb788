/** `ioredoubt/otel`: the clients of this process as metrics and spans of OpenTelemetry. */
export { durationProducer } from "./duration-producer.js";
export { instrument, type InstrumentOptions } from "./instrument.js";
