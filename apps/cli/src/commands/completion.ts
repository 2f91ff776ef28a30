/**
 * `agentcore completion`: prints completion scripts for bash, zsh and fish. They are generated from the definition of the
 * command line, so they always have its commands and options. The scripts are static: completing starts no process.
 */
import type { Command, Option } from "commander";
import { AgentCoreError, capabilities, dedupSchema } from "@agentcore/contract";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { whereFields } from "../options/job-filter.ts";
import { didYouMean } from "@agentcore/yaml-file";

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

interface CommandShape {
  /** The words after `agentcore`: `run`, or `jobs list`. */
  readonly path: string;
  readonly description: string;
  readonly options: readonly OptionShape[];
  readonly subcommands: readonly string[];
}

interface OptionShape {
  readonly flags: readonly string[];
  readonly description: string;
  /** Null: a switch. Otherwise the possible values; empty: anything. */
  readonly values: readonly string[] | "files" | "directories" | null;
}

const workers = ["shell", "claude-code", "codex", "opencode"];

function valuesOf(option: Option): OptionShape["values"] {
  if (!option.required && !option.optional) return null;
  if (option.argChoices !== undefined) return option.argChoices;
  switch (option.long) {
    case "--worker":
      return workers;
    case "--capabilities":
      return capabilities;
    case "--dedup":
      return dedupSchema.options;
    case "--where":
      return whereFields.map((field) => (field.endsWith(".") ? field : `${field}=`));
    case "--workspace":
    case "--state-dir":
      return "directories";
    case "--config":
    case "--file":
      return "files";
    default:
      return [];
  }
}

function describe(program: Command): CommandShape[] {
  const walk = (command: Command, path: string): CommandShape[] => {
    const subcommands = command.commands.map((child) => child.name());
    const shape: CommandShape = {
      path,
      description: command.description(),
      options: command.options.map((option) => ({
        flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
        description: option.description,
        values: valuesOf(option),
      })),
      subcommands: path === "" ? [...subcommands, "help"] : subcommands,
    };
    return [shape, ...command.commands.flatMap((child) => walk(child, `${path} ${child.name()}`.trim()))];
  };
  return walk(program, "");
}

const flagsOf = (command: CommandShape): string[] => [
  ...command.options.flatMap(({ flags }) => flags),
  "--help",
];

function bash(commands: readonly CommandShape[]): string {
  const words = commands.map(({ path, subcommands, options }) => {
    const offered = [...subcommands, ...flagsOf({ path, subcommands, options, description: "" })].join(" ");
    return `    ${JSON.stringify(path)}) offered="${offered}" ;;`;
  });
  const flagsByReply = new Map<string, Set<string>>();
  for (const { flags, values } of commands.flatMap(({ options }) => options)) {
    if (values === null) continue;
    const source = values === "files" ? "-f" : values === "directories" ? "-d" : `-W "${values.join(" ")}"`;
    const isPrefix = Array.isArray(values) && values.some((word) => word.endsWith("="));
    // Outside a completion, as in a test, the shell does not know its options. The shell quotes file names: one can be a command.
    const option = isPrefix ? "nospace" : typeof values === "string" ? "filenames" : null;
    const set = option === null ? "" : `; compopt -o ${option} 2>/dev/null`;
    const reply = `mapfile -t COMPREPLY < <(compgen ${source} -- "$word")${set}`;
    flagsByReply.set(reply, new Set([...(flagsByReply.get(reply) ?? []), ...flags]));
  }
  const paths = commands.map(({ path }) => path).filter(Boolean);
  return `# bash completion for agentcore
_agentcore() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path="" next offered="" at
  case "$before" in
${[...flagsByReply].map(([reply, flags]) => `    ${[...flags].join("|")}) ${reply}; return ;;`).join("\n")}
  esac
  for ((at = 1; at < COMP_CWORD; at++)); do
    next="\${path:+$path }\${COMP_WORDS[at]}"
    case "$next" in
      ${paths.map((path) => JSON.stringify(path)).join("|")}) path="$next" ;;
    esac
  done
  case "$path" in
${words.join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$word")
}
complete -o default -F _agentcore agentcore
`;
}

const quoteZsh = (text: string): string => text.replaceAll(/['[\]:\\]/g, " ");

function zsh(commands: readonly CommandShape[]): string {
  const cases = commands.map(({ path, subcommands, options }) => {
    const specs = options.flatMap(({ flags, description, values }) =>
      flags.map((flag) => {
        const action =
          values === null
            ? ""
            : values === "files"
              ? ":file:_files"
              : values === "directories"
                ? ":directory:_files -/"
                : `:value:(${values.join(" ")})`;
        return `      '*${flag}[${quoteZsh(description)}]${action}'`;
      }),
    );
    const rest =
      subcommands.length > 0 ? `      '1:command:(${subcommands.join(" ")})'` : "      '*:argument:_files'";
    return `    ${JSON.stringify(path)})\n      _arguments -s \\\n${[...specs, rest].join(" \\\n")} ;;`;
  });
  const paths = commands.map(({ path }) => path).filter(Boolean);
  return `#compdef agentcore
_agentcore() {
  local path_so_far="" next at=2 depth=0
  while (( at < CURRENT )); do
    next="\${path_so_far:+$path_so_far }\${words[at]}"
    case "$next" in
      ${paths.map((path) => JSON.stringify(path)).join("|")}) path_so_far="$next"; depth=$(( at - 1 )) ;;
    esac
    (( at++ ))
  done
  shift $depth words
  (( CURRENT -= depth ))
  case "$path_so_far" in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_agentcore" ]; then _agentcore "$@"; else compdef _agentcore agentcore; fi
`;
}

const quoteFish = (text: string): string => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;

function fish(commands: readonly CommandShape[]): string {
  const lines = commands.flatMap(({ path, subcommands, options }) => {
    const seen = path.split(" ").filter(Boolean);
    const within = seen.map((word) => `__fish_seen_subcommand_from ${word}`);
    const children = subcommands.map((name) => {
      const description =
        commands.find((command) => command.path === `${path} ${name}`.trim())?.description ?? "";
      const condition =
        path === ""
          ? "__fish_use_subcommand"
          : [...within, `not __fish_seen_subcommand_from ${subcommands.join(" ")}`].join("; and ");
      return `complete -c agentcore -f -n ${quoteFish(condition)} -a ${name} -d ${quoteFish(description)}`;
    });
    const flags = options.map(({ flags: names, description, values }) => {
      const condition = path === "" ? "__fish_use_subcommand" : within.join("; and ");
      const spelled = names
        .map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
        .join(" ");
      const argument =
        values === null
          ? ""
          : values === "files"
            ? " -r -F"
            : values === "directories"
              ? " -x -a '(__fish_complete_directories)'"
              : ` -x -a ${quoteFish(values.join(" "))}`;
      return `complete -c agentcore -n ${quoteFish(condition)} ${spelled}${argument} -d ${quoteFish(description)}`;
    });
    return [...children, ...flags];
  });
  return `# fish completion for agentcore\n${lines.join("\n")}\n`;
}
