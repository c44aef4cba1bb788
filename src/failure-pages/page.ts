/** The long texts of one code, which only its page shows: `npx ioredoubt explain CODE` and docs/errors. Data only. */
import type { Text } from "../failure/template.js";

/** What a page says beyond the catalogue's entry. */
export interface Page {
  /** What the failure proves and what not. Two or three sentences. */
  readonly means: string;
  readonly findOut: readonly Text[];
  readonly fix: readonly Text[];
  readonly prevent: readonly Text[];
  /** Recorded texts that mean this code and need no context to be recognised. */
  readonly examples: readonly string[];
}
