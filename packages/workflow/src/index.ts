/** YAML workflows: parse, plan, run, resume. */
export * from "./definition.ts";
export { agentsJsonSchema, workflowJsonSchema } from "./file/file-schema.ts";
export { nestingMax, parseWorkflow, type ParseRequest, type ParseResult } from "./file/parse-workflow.ts";
export { formatProblem, type Problem, type ReadFile } from "./file/problem.ts";
export * from "./plan/plan.ts";
export * from "./plan/plan-step.ts";
export * from "./plan/run-state.ts";
export * from "./plan/step-state.ts";
