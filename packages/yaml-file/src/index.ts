/** Reads YAML files that people write, and reports each error with its place and its cure. */
export { describeValue, type ValueWords } from "./issues.ts";
export { readYaml, type ForeignWords, type YamlFormat, type YamlReading } from "./read-yaml.ts";
export { didYouMean, nearest } from "./suggest.ts";
export { parseYaml, type Place, type YamlIssue, type YamlSource } from "./yaml-source.ts";
