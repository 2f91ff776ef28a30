/**
 * Reads agent profiles from one or more files, of which later ones override earlier ones: the named files, or the one
 * beside the workflow.
 */
import { holders, type Problem, type ReadFile, readYaml } from "@agentcore/yaml-file";
import { agentsFileSchema, agentsJsonSchema, type AgentProfile } from "./file-schema.ts";
import { foreignWords } from "./names.ts";

export interface LoadedAgents {
  readonly agents: ReadonlyMap<string, AgentProfile>;
  readonly texts: readonly string[];
  readonly problems: readonly Problem[];
}

/** A missing `required` file is an error; any other missing file counts as empty. */
export async function loadAgents(
  files: readonly { readonly path: string; readonly required: boolean }[],
  readFile: ReadFile,
): Promise<LoadedAgents> {
  const agents = new Map<string, AgentProfile>();
  const texts: string[] = [];
  const problems: Problem[] = [];
  for (const { path, required } of files) {
    const text = await readFile(path);
    if (text === null) {
      if (required)
        problems.push({
          file: path,
          line: 1,
          column: 1,
          message: "the file of agent profiles does not exist",
        });
      continue;
    }
    texts.push(text);
    const format = { schema: agentsFileSchema, jsonSchema: agentsJsonSchema, ...foreignWords, holders };
    const read = await readYaml(text, format);
    if (read.ok) for (const [id, profile] of Object.entries(read.value.agents)) agents.set(id, profile);
    else problems.push(...read.issues.map((issue) => ({ file: path, ...issue })));
  }
  return { agents, texts, problems };
}
