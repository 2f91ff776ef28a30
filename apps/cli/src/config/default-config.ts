/**
 * The configuration where there is no file. The bundle holds the outcome, because making the schema and reading nothing with
 * it takes longer than most of a short run: `bundle.mjs` puts it in the place of this file.
 */
import { configSchema, type Config } from "./schema.ts";

/** Every setting at its default. */
export function defaultConfig(): Config {
  return configSchema({}).parse({});
}
