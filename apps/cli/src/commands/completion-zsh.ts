/** The completion script for zsh. */
import type { CommandShape, Values } from "./completion-shape.ts";

export function zsh(commands: readonly CommandShape[]): string {
  const paths = commands.map(({ path }) => path).filter(Boolean);
  return `#compdef agentcore
_agentcore_asked() {
  local word about
  local -a found
  while IFS=$'\\t' read -r word about; do
    found+=("\${word//:/\\\\:}:$about")
  done < <(command agentcore __complete "$1" 2>/dev/null)
  _describe -t "$1" "$1" found
}
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
${commands.map(commandCase).join("\n")}
  esac
}
if [ "$funcstack[1]" = "_agentcore" ]; then _agentcore "$@"; else compdef _agentcore agentcore; fi
`;
}

/** For a description in single quotes, in brackets of a specification. */
const quote = (text: string): string =>
  text.replaceAll(/[[\]:\\]/g, String.raw`\$&`).replaceAll("'", `'\\''`);

function commandCase({ path, options, subcommands, argument }: CommandShape): string {
  const specs = options.flatMap(({ flags, description, values }) =>
    flags.map((flag) => `      '*${flag}[${quote(description)}]${values === null ? "" : actionOf(values)}'`),
  );
  const rest =
    subcommands.length > 0
      ? [`      '1:command:(${subcommands.join(" ")})'`]
      : argument === null
        ? []
        : [`      '*${actionOf(argument)}'`];
  return `    ${JSON.stringify(path)})\n      _arguments -s \\\n${[...specs, ...rest].join(" \\\n")} ;;`;
}

function actionOf(values: Values): string {
  switch (values.kind) {
    case "words":
      return `:value:(${values.words.join(" ")})`;
    case "list":
      return `:list:_values -s , list ${values.words.join(" ")}`;
    case "files":
      return ":file:_files";
    case "directories":
      return ":directory:_files -/";
    case "asked":
      // The space: without it, the function gets further arguments before its own.
      return `:${values.what}: _agentcore_asked ${values.what}`;
    case "anything":
      return ":value: ";
  }
}
