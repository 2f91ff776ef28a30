/** The JSON Schemas that are published as files, for editors, as the code has them. */
import { daemonJsonSchema } from "@agentcore/triggers";
import { agentsJsonSchema, workflowJsonSchema } from "@agentcore/workflow";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./repository.ts";

/** By path in the repository. */
export const publishedSchemas = (): Readonly<Record<string, Record<string, unknown>>> => ({
  "apps/cli/schemas/output.schema.json": printed("output"),
  "packages/triggers/schemas/daemon.schema.json": daemonJsonSchema(),
  "packages/workflow/schemas/agents.schema.json": agentsJsonSchema(),
  "packages/workflow/schemas/workflow.schema.json": workflowJsonSchema(),
});

/** As the command line prints it, which is no library. */
function printed(name: string): Record<string, unknown> {
  const main = join(root, "apps/cli/src/main.ts");
  const command = ["--conditions=@agentcore/source", main, "schema", name];
  return JSON.parse(execFileSync(process.execPath, command, { encoding: "utf8" })) as Record<string, unknown>;
}
