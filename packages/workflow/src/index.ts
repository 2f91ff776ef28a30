/** YAML workflows: parse, plan, run, resume. */
export * from "./definition.ts";
export * from "./plan/plan.ts";
export * from "./plan/plan-step.ts";
export * from "./plan/run-state.ts";
export * from "./plan/step-state.ts";
