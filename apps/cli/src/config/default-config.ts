/**
 * The configuration without a file. The bundle contains the result (`bundle.mjs` replaces this file), because building the
 * schema to parse nothing takes longer than most of a short run.
 */
import { configSchema, type Config } from "./schema.ts";

/** Every setting at its default. */
export function defaultConfig(): Config {
  return configSchema({}).parse({});
}
