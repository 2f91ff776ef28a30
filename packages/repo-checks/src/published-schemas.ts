/** The JSON Schemas that are published as files, for editors, as the code has them. */
import { agentsJsonSchema, workflowJsonSchema } from "@agentcore/workflow";

/** By path in the repository. */
export const publishedSchemas = (): Readonly<Record<string, Record<string, unknown>>> => ({
  "packages/workflow/schemas/agents.schema.json": agentsJsonSchema(),
  "packages/workflow/schemas/workflow.schema.json": workflowJsonSchema(),
});
