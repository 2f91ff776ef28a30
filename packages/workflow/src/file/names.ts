/** Both spellings of names: those of this project and those that older workflow files use. */
import { capabilities, type Capability } from "@agentcore/contract";
import type { ForeignWords } from "@agentcore/yaml-file";
import { z } from "zod";

const workerAliases: ReadonlyMap<string, string> = new Map([
  ["CUSTOM", "shell"],
  ["SHELL", "shell"],
  ["CLAUDE_CODE", "claude-code"],
  ["CODEX_CLI", "codex"],
  ["CODEX", "codex"],
  ["OPENCODE", "opencode"],
]);

/** `CLAUDE_CODE` → `claude-code`; other adapters' names do not change. */
export const canonicalWorker = (name: string): string => workerAliases.get(name) ?? name;

export const workerNameSchema = z
  .string()
  .min(1)
  .transform(canonicalWorker)
  .meta({
    description:
      "A worker: shell, claude-code, codex, opencode, or any adapter. CUSTOM, CLAUDE_CODE, CODEX_CLI and OPENCODE are accepted.",
    examples: ["shell", "claude-code", "codex", "opencode"],
  });

export const capabilityNameSchema = z
  .enum([...capabilities, ...capabilities.map((name) => name.toUpperCase() as Uppercase<Capability>)])
  .transform((name) => name.toLowerCase() as Capability)
  .meta({ description: "read, edit, run_tests or run_commands, in lower or upper case." });

/** Top-level keys that only hold anchors. */
export const holders = /^x-/;

/** Words of other systems for a setting of a workflow. */
export const foreignWords: ForeignWords = {
  otherNames: {
    run: "instructions",
    script: "instructions",
    prompt: "instructions",
    command: "instructions",
    commands: "instructions",
    needs: "depends_on",
    requires: "depends_on",
    dependsOn: "depends_on",
    retries: "max_retries",
    attempts: "max_retries",
    when: "if",
    condition: "if",
    jobs: "steps",
    stages: "steps",
    tasks: "steps",
    artifacts: "outputs",
    parameters: "inputs",
    environment: "env",
    variables: "env",
    max_parallel: "concurrency",
    "max-parallel": "concurrency",
    on_error: "on_failure",
    working_directory: "workspace",
    "working-directory": "workspace",
    cwd: "workspace",
    before_script: "defaults",
  },
  cures: {
    uses: { besides: "workflow", cure: "for the steps of another file write workflow: ./FILE.yaml" },
    shell: { besides: "worker", cure: "write worker: shell; the script is in instructions" },
    strategy: { besides: "matrix", cure: "write its matrix as the step's own: matrix: { NAME: [VALUES] }" },
    "timeout-minutes": { besides: "timeout", cure: "write timeout with a unit, for example timeout: 30m" },
    timeout_minutes: { besides: "timeout", cure: "write timeout with a unit, for example timeout: 30m" },
    "continue-on-error": { besides: "on_failure", cure: "write on_failure: continue" },
    allow_failure: { besides: "on_failure", cure: "write on_failure: continue" },
    "runs-on": { besides: "instructions", cure: "steps run on this machine; leave it out" },
    image: { besides: "instructions", cure: "steps run on this machine; leave it out" },
    on: { besides: "steps", cure: "a run starts with agentcore workflow run; leave it out" },
  },
};

export const variableNameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not the name of an environment variable");

/** Ids of steps, agents and artifacts: also folder names below the context directory. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const idCharsMax = 100;
export const idSchema = z
  .string()
  .max(idCharsMax, `is longer than ${idCharsMax} characters`)
  .regex(
    idPattern,
    "is not an id: letters, digits, dot, underscore and hyphen, beginning with a letter or digit",
  );
