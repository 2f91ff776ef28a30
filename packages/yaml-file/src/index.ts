/** Reads YAML files that people write, and reports each error with its place and its cure. */
export { envText, variableOf, type Environment } from "./env-text.ts";
export { describeValue, type ValueWords } from "./issues.ts";
export { formatProblem, type Problem, type ReadFile } from "./problem.ts";
export { dotted, listOf, placeReports, rawOf, textOf, type Path, type Raw, type Report } from "./raw.ts";
export { readYaml, type ForeignWords, type YamlFormat, type YamlReading } from "./read-yaml.ts";
export type { CodePlace } from "./shell-command.ts";
export {
  codeInScript,
  scriptWithValues,
  type CodeInScript,
  type ReferenceAt,
  type ScriptReference,
} from "./shell-script.ts";
export { didYouMean, nearest } from "./suggest.ts";
export * from "./vocabulary.ts";
export { parseYaml, type Place, type YamlIssue, type YamlSource } from "./yaml-source.ts";
