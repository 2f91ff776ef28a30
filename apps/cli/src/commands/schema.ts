/** `agentcore schema`: the JSON Schemas that programs and editors need. */
import { AgentCoreError, jobSubmissionSchema } from "@agentcore/contract";
import { daemonJsonSchema } from "@agentcore/triggers";
import { agentsJsonSchema, workflowJsonSchema } from "@agentcore/workflow";
import { didYouMean } from "@agentcore/yaml-file";
import * as z from "zod";
import { configJsonSchema } from "../config/schema.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { outputJsonSchema } from "../json/documents.ts";

const schemas: Readonly<Record<string, () => Record<string, unknown>>> = {
  config: configJsonSchema,
  workflow: workflowJsonSchema,
  agents: agentsJsonSchema,
  daemon: daemonJsonSchema,
  job: () => z.toJSONSchema(jobSubmissionSchema, { io: "input" }),
  output: outputJsonSchema,
  event: () => outputJsonSchema(["event", "configuration"]),
  result: () => outputJsonSchema(["result"]),
};

export async function schema(name: string, io: Io): Promise<number> {
  const names = Object.keys(schemas);
  const make = schemas[name];
  if (make === undefined) {
    throw new AgentCoreError(
      "AC_USAGE",
      `no schema "${name}"; there are ${names.join(", ")}${didYouMean(name, names)}`,
    );
  }
  io.stdout.write(`${JSON.stringify(make(), null, 2)}\n`);
  return exitCodes.succeeded;
}
