/** The functions of the fast parser that are used, so that a bundler leaves out the rest of it. */
import { CORE_SCHEMA, mergeTag } from "js-yaml";
export { load, YAMLException } from "js-yaml";

/** As the parser that knows places reads: the core schema of YAML 1.2, with merge keys. */
export const schema = CORE_SCHEMA.withTags(mergeTag);
