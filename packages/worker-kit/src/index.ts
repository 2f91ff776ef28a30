/** What an adapter author needs, and the runner that starts any adapter's worker under a permit. */
export * from "./capabilities.ts";
export * from "./environment.ts";
export * from "./event-text.ts";
export * from "./json-lines.ts";
export * from "./line-framer.ts";
export * from "./prices.ts";
export * from "./program/detect-program.ts";
export * from "./program/find-program.ts";
export * from "./program/version.ts";
export * from "./provider-status.ts";
export { createProcessRunner, type ProcessRunnerOptions } from "./runner/create-process-runner.ts";
export { defaultRunnerLimits, type RunnerLimits } from "./runner/parts.ts";
export { scriptCommand } from "./runner/verify-script.ts";
export * from "./verdict.ts";
