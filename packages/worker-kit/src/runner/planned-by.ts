/** Asks a third-party adapter for its plan. What it returns, or throws by mistake, is an error of the adapter. */
import {
  AgentCoreError,
  errorText,
  isAgentCoreError,
  lazySchema,
  type PlanContext,
  type WorkerAdapter,
  type WorkerPlan,
  type WorkerTask,
} from "@agentcore/contract";
import { z } from "zod";
import { fieldProblems } from "../field-problems.ts";

const planSchema = lazySchema(() =>
  z.looseObject({
    command: z.string().min(1, "is empty"),
    args: z.array(z.string()),
    env: z.record(z.string(), z.string()),
    stdin: z.string(),
    home: z.enum(["own", "user"]),
    model: z.string().optional(),
    files: z.record(z.string(), z.string()).optional(),
    termTo: z.enum(["process", "group"]).optional(),
    leavesEmpty: z.array(z.string()).optional(),
    ownSandbox: z.boolean().optional(),
  }),
);

/** Throws `AC_ADAPTER_INVALID` with every wrong field. An `AgentCoreError` of the adapter is passed on. */
export function plannedBy(adapter: WorkerAdapter, task: WorkerTask, context: PlanContext): WorkerPlan {
  const plan = planOf(adapter, task, context);
  const { error } = planSchema.safeParse(plan);
  if (error === undefined) return plan;
  const problems = fieldProblems(error.issues, plan);
  throw invalid(adapter.name, `the plan is not one of the contract: ${problems.join("; ")}`);
}

function planOf(adapter: WorkerAdapter, task: WorkerTask, context: PlanContext): WorkerPlan {
  try {
    return adapter.plan(task, context);
  } catch (error) {
    if (isAgentCoreError(error)) throw error;
    throw invalid(adapter.name, `plan() threw: ${errorText(error)}`, error);
  }
}

function invalid(name: string, problem: string, cause?: unknown): AgentCoreError {
  return new AgentCoreError("AC_ADAPTER_INVALID", `the adapter ${name}: ${problem}`, { cause });
}
