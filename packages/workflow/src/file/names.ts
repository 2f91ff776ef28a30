/** Both spellings of names: those of this project and those that older workflow files use. */
import { capabilities, type Capability } from "@agentcore/contract";
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

/** Names that other systems use for a setting of a workflow, and its name here. */
export const otherNames: Readonly<Record<string, string>> = {
  run: "instructions",
  script: "instructions",
  prompt: "instructions",
  command: "instructions",
  needs: "depends_on",
  dependsOn: "depends_on",
  retry: "max_retries",
  retries: "max_retries",
  when: "if",
  condition: "if",
  uses: "workflow",
  strategy: "matrix",
  jobs: "steps",
  tasks: "steps",
  artifacts: "outputs",
  max_parallel: "concurrency",
  "timeout-minutes": "timeout",
  timeout_minutes: "timeout",
  "continue-on-error": "on_failure",
  allow_failure: "on_failure",
};

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
