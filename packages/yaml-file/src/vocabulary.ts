/** What the formats of files share: names of workers and capabilities in both spellings, ids, variables, the version. */
import { capabilities, forbiddenEffect, type Capability } from "@agentcore/contract";
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

/** For the schema of a file with {@link holders}. */
export const holdersInSchema = {
  [holders.source]: { description: "Holds anchors for other places in the file." },
};

export const variableNameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not the name of an environment variable");

/** Why a file may not set the variable for workers; null if it may. `ownNames`: those that the run itself sets. */
export function variableProblem(name: string, ownNames: readonly string[]): string | null {
  const effect = forbiddenEffect(name);
  if (effect !== null) return `${name} is passed to no worker: it would ${effect}`;
  if (ownNames.includes(name) || /^(?:AGENTCORE|ROBOPPI)_/.test(name))
    return `${name} is set by the run; choose another name`;
  return null;
}

/** Ids are also names of folders. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const idCharsMax = 100;
export const idSchema = z
  .string()
  .max(idCharsMax, `is longer than ${idCharsMax} characters`)
  .regex(
    idPattern,
    "is not an id: letters, digits, dot, underscore and hyphen, beginning with a letter or digit",
  );

export const versionSchema = z
  .literal("1", {
    error: ({ input }) =>
      input === undefined ? 'is required, for example version: "1"' : 'the version is "1", in quotes',
  })
  .meta({ description: 'Of the format: "1", in quotes.' });
