/**
 * A pino-shaped logger that keeps its lines instead of writing them, so that a test can count and read them.
 */
export type Level = "debug" | "info" | "warn" | "error" | "fatal";

export interface LogLine {
  readonly level: Level;
  /** Fields of the line, merged over those of the child loggers above it. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** Assignable to the package's `Logger`. Children write into the same `lines`. */
export interface LogSink {
  readonly lines: readonly LogLine[];
  /** Everything logged, as JSON lines: what a log collector would see. For searching secrets and phrases. */
  text(): string;
  /** Lines of these levels. */
  at(...levels: readonly Level[]): readonly LogLine[];
  clear(): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
  child(bindings: object): LogSink;
}

/** A fresh sink. */
export function createLogSink(): LogSink {
  return sink([], {});
}

function sink(lines: LogLine[], bindings: object): LogSink {
  const at =
    (level: Level) =>
    (fields: object, message: string): void => {
      lines.push({ level, fields: { ...bindings, ...fields }, message });
    };
  return {
    lines,
    text: () => lines.map((line) => JSON.stringify(line, showErrors)).join("\n"),
    at: (...levels) => lines.filter((line) => levels.includes(line.level)),
    clear: () => void lines.splice(0),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
    child: (more) => sink(lines, { ...bindings, ...more }),
  };
}

/** Errors as pino serialises them: own fields, and the hidden message, stack and cause. */
function showErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return typeof value === "bigint" ? String(value) : value;
  return {
    ...Object.fromEntries(Object.entries(value)),
    name: value.name,
    message: value.message,
    stack: value.stack,
    cause: value.cause,
  };
}
