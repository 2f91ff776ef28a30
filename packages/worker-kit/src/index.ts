/** What an adapter author needs, and the runner that starts any adapter's worker under a permit. */
export * from "./adapter-settings.ts";
export * from "./adapter-shape.ts";
export * from "./allowed-args.ts";
export * from "./capabilities.ts";
export * from "./environment.ts";
export * from "./event-text.ts";
export {
  createContainedGit,
  type ContainedGit,
  type ContainedGitParts,
  type GitAnswer,
  type GitOptions,
} from "./git/contained-git.ts";
export * from "./json-lines.ts";
export * from "./line-framer.ts";
export * from "./load-adapter.ts";
export * from "./prices.ts";
export * from "./program/detect-program.ts";
export * from "./program/find-program.ts";
export * from "./program/version.ts";
export * from "./provider-error.ts";
export * from "./provider-status.ts";
export { openRegularFile } from "./regular-file.ts";
export * from "./retry-after.ts";
export type { ProgramParts } from "./runner/contained-program.ts";
export { createProcessRunner, type ProcessRunnerOptions } from "./runner/create-process-runner.ts";
export { defaultRunnerLimits, type RunnerLimits } from "./runner/runner-options.ts";
export { findAttemptDirectory, listJobDirectories, type JobDirectory } from "./runner/attempt-directory.ts";
export { runLabel } from "./runner/prepare.ts";
export { scriptCommand, type ScriptCommand } from "./runner/task-script.ts";
export * from "./task-options.ts";
export * from "./usage-error.ts";
export * from "./usage-sum.ts";
export * from "./variables.ts";
export { UsageTail, type UsageTailOptions } from "./usage-tail.ts";
export * from "./verdict.ts";
