/** The completion script for fish. */
import type { CommandShape, Values } from "./completion-shape.ts";

const quote = (text: string): string => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;

export function fish(commands: readonly CommandShape[]): string {
  const lines = commands.flatMap((command) => [
    ...childLines(command, commands),
    ...optionLines(command),
    ...argumentLines(command),
  ]);
  return `# fish completion for agentcore\n${lines.join("\n")}\n`;
}

const within = (path: string): string[] =>
  path
    .split(" ")
    .filter(Boolean)
    .map((word) => `__fish_seen_subcommand_from ${word}`);

function childLines({ path, subcommands }: CommandShape, commands: readonly CommandShape[]): string[] {
  return subcommands.map((name) => {
    const child = commands.find((command) => command.path === `${path} ${name}`.trim());
    const condition =
      path === ""
        ? "__fish_use_subcommand"
        : [...within(path), `not __fish_seen_subcommand_from ${subcommands.join(" ")}`].join("; and ");
    return `complete -c agentcore -f -n ${quote(condition)} -a ${name} -d ${quote(child?.description ?? "")}`;
  });
}

function optionLines({ path, options }: CommandShape): string[] {
  const condition = path === "" ? "__fish_use_subcommand" : within(path).join("; and ");
  return options.map(({ flags, description, values }) => {
    const spelled = flags
      .map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
      .join(" ");
    const value = values === null ? "" : ` ${actionOf(values)}`;
    return `complete -c agentcore -n ${quote(condition)} ${spelled}${value} -d ${quote(description)}`;
  });
}

function argumentLines({ path, argument }: CommandShape): string[] {
  if (argument === null || argument.kind === "anything") return [];
  const action = actionOf(argument).replace("-x ", "-f ").replace("-r ", "");
  return [`complete -c agentcore -n ${quote(within(path).join("; and "))} ${action}`];
}

function actionOf(values: Values): string {
  switch (values.kind) {
    case "words":
      return `-x -a ${quote(values.words.join(" "))}`;
    case "list":
      return `-x -a ${quote(`(__fish_complete_list , "string split ' ' '${values.words.join(" ")}'")`)}`;
    case "files":
      return "-r -F";
    case "directories":
      return "-x -a '(__fish_complete_directories)'";
    case "asked":
      return `-x -a '(command agentcore __complete ${values.what} 2>/dev/null)'`;
    case "anything":
      return "-x";
  }
}
