/** Who measures, in the words of OpenTelemetry. */
import { ownVersion } from "../own-version.js";

export const SCOPE = { name: "ioredoubt", version: ownVersion() } as const;
