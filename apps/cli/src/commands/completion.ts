/**
 * `agentcore completion`: prints completion scripts for bash, zsh and fish. They are generated from the definition of the
 * command line, so they always have its commands and options. Ids and configured workers are asked for while completing, with
 * the hidden command `__complete`; everything else is in the script.
 */
import type { Command, Option } from "commander";
import { AgentCoreError, capabilities, dedupSchema } from "@agentcore/contract";
import { didYouMean } from "@agentcore/yaml-file";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { whereFields } from "../options/job-filter.ts";
import { jobStates } from "../options/option-values.ts";
import { bash } from "./completion-bash.ts";
import { fish } from "./completion-fish.ts";
import type { CommandShape, Values } from "./completion-shape.ts";
import { zsh } from "./completion-zsh.ts";

const shells = { bash, zsh, fish } as const;

export async function completion(shell: string, program: Command, io: Io): Promise<number> {
  if (!Object.hasOwn(shells, shell)) {
    const names = Object.keys(shells);
    throw new AgentCoreError(
      "AC_USAGE",
      `no completion for "${shell}"; there are ${names.join(", ")}${didYouMean(shell, names)}`,
    );
  }
  io.stdout.write(shells[shell as keyof typeof shells](describe(program)));
  return exitCodes.succeeded;
}

const words = (all: readonly string[]): Values => ({ kind: "words", words: all });
const list = (all: readonly string[]): Values => ({ kind: "list", words: all });
const anything: Values = { kind: "anything" };
const files: Values = { kind: "files" };
const directories: Values = { kind: "directories" };
const asked = (what: Extract<Values, { readonly kind: "asked" }>["what"]): Values => ({
  kind: "asked",
  what,
});

const optionValues: Readonly<Record<string, Values>> = {
  "--worker": asked("workers"),
  "--capabilities": list(capabilities),
  "--dedup": words(dedupSchema.options),
  "--state": list(jobStates),
  "--where": words(whereFields.map((field) => (field.endsWith(".") ? field : `${field}=`))),
  "--run": asked("runs"),
  "--trigger": asked("triggers"),
  "--workspace": directories,
  "--state-dir": directories,
  "--config": files,
  "--file": files,
  "--agents": files,
  "--junit": files,
  "--last-message": files,
  "--svg": files,
  "--html": files,
};

function valuesOf(option: Option, path: string): Values | null {
  if (!option.required && !option.optional) return null;
  if (option.argChoices !== undefined) return words(option.argChoices);
  if (option.long === "--before") return idsOf(path);
  return optionValues[option.long ?? ""] ?? anything;
}

function idsOf(path: string): Values {
  if (path.startsWith("workflow")) return asked("runs");
  return asked(path.startsWith("dlq") ? "dead" : "jobs");
}

const argumentValues: Readonly<Record<string, Values>> = {
  schema: words(["config", "workflow", "agents", "daemon", "job", "output", "event", "result"]),
  completion: words(Object.keys(shells)),
};

/** By the name of its first argument. */
function argumentOf(command: Command, path: string): Values | null {
  const [first] = command.registeredArguments;
  if (first === undefined) return null;
  const name = first.name();
  if (name === "job" || name === "run") return idsOf(path);
  if (name === "trigger" || name === "token") return asked(`${name}s`);
  if (name === "file" || name === "path") return files;
  return argumentValues[path] ?? anything;
}

function describe(program: Command): CommandShape[] {
  const walk = (command: Command, path: string): CommandShape[] => {
    const below = command.commands.filter((child) => !child.name().startsWith("__"));
    const names = below.map((child) => child.name());
    const shape: CommandShape = {
      path,
      description: command.description(),
      options: command.options
        .filter(({ hidden }) => !hidden)
        .map((option) => ({
          flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
          description: option.description,
          values: valuesOf(option, path),
        })),
      subcommands: path === "" ? [...names, "help"] : names,
      argument: argumentOf(command, path),
    };
    return [shape, ...below.flatMap((child) => walk(child, `${path} ${child.name()}`.trim()))];
  };
  return walk(program, "");
}
