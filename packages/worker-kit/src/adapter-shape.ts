/** Checks at run time that a value is an adapter, because adapters come from packages that were not compiled with this one. */
import {
  adapterContractVersion,
  capabilitySchema,
  taskOptions,
  type WorkerAdapter,
  lazySchema,
} from "@agentcore/contract";
import { z } from "zod";
import { fieldProblem } from "./field-problems.ts";

const functionSchema = z.custom<(...args: never) => unknown>((value) => typeof value === "function", {
  error: "must be a function",
});

/** Other members are allowed. */
const adapterSchema = lazySchema(() =>
  z.looseObject({
    contractVersion: z.literal(adapterContractVersion, {
      error: `must be ${adapterContractVersion}, the version of the contract that this release speaks`,
    }),
    name: z.string().regex(/^[a-z][a-z0-9-]*$/, "must be lower case: letters, digits and -, a letter first"),
    title: z.string().min(1),
    provider: z.string().min(1).nullable(),
    capabilities: z.array(capabilitySchema),
    enforcesCapabilities: z.boolean().optional(),
    program: z.looseObject({
      command: z.string().min(1),
      versionArgs: z.array(z.string()),
      minVersion: z
        .string()
        .regex(/^\d+\.\d+(\.\d+)?/, "must be a version such as 1.2.3")
        .optional(),
      verifiedVersion: z.string().optional(),
      install: z.string().min(1, "must say how to install the program"),
      credentialEnv: z.array(z.string()),
      loginPaths: z.array(z.string()),
    }),
    options: z.array(z.enum(taskOptions)).optional(),
    checkArgs: functionSchema.optional(),
    plan: functionSchema,
    createReader: functionSchema,
    unseenTools: z.literal(true).optional(),
    spendGateUpstream: functionSchema.optional(),
    usageFiles: z
      .looseObject({
        directory: functionSchema,
        depth: z.int().nonnegative(),
        belongs: functionSchema,
        createReader: functionSchema,
      })
      .optional(),
  }),
);

/** What is wrong or missing, one text each, such as `program.install: …`; empty for a valid adapter. */
export function adapterProblems(value: unknown): string[] {
  const parsed = adapterSchema.safeParse(value);
  if (parsed.success) return [];
  return parsed.error.issues.map((issue) => {
    const problem = fieldProblem(issue, value);
    return issue.path.length === 0 ? problem : `${issue.path.map(String).join(".")}: ${problem}`;
  });
}

export function isAdapter(value: unknown): value is WorkerAdapter {
  return adapterProblems(value).length === 0;
}
