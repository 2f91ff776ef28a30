/** The completion script for bash. */
import type { CommandShape, Values } from "./completion-shape.ts";

export function bash(commands: readonly CommandShape[]): string {
  const paths = commands.map(({ path }) => path).filter(Boolean);
  return `# bash completion for agentcore
# What is offered may be named by others: no word of it is expanded, and each is quoted.
_agentcore_offer() {
  local each
  while IFS= read -r each; do
    [[ $each == "$word"* ]] && COMPREPLY+=("$(printf %q "$each")")
  done
}
_agentcore_asked() {
  local each _
  while IFS=$'\\t' read -r each _; do printf '%s\\n' "$each"; done < <(command agentcore __complete "$1" 2>/dev/null)
}
_agentcore_list() {
  local before="" each
  [[ $word == *,* ]] && before="\${word%,*},"
  for each in "$@"; do
    [[ ",$before" != *",$each,"* && $before$each == "$word"* ]] && COMPREPLY+=("$before$each")
  done
  compopt -o nospace 2>/dev/null
}
_agentcore() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path="" next at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    next="\${path:+$path }\${COMP_WORDS[at]}"
    case "$next" in
      ${paths.map((path) => JSON.stringify(path)).join("|")}) path="$next" ;;
    esac
  done
  case "$path|$before" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "$path" in
${commands.map(commandCase).join("\n")}
  esac
}
complete -o default -F _agentcore agentcore
`;
}

function valueCases({ path, options }: CommandShape): string[] {
  return options.flatMap(({ flags, values }) =>
    values === null
      ? []
      : `    ${flags.map((flag) => JSON.stringify(`${path}|${flag}`)).join("|")}) ${replyOf(values)}; return ;;`,
  );
}

function commandCase({ path, options, subcommands, argument }: CommandShape): string {
  const flags = [...options.flatMap((option) => option.flags), "--help"].join(" ");
  const rest = subcommands.length > 0 ? compgen(subcommands) : argument === null ? ":" : replyOf(argument);
  return `    ${JSON.stringify(path)}) if [[ $word == -* ]]; then mapfile -t COMPREPLY < <(compgen -W "${flags}" -- "$word"); else ${rest}; fi ;;`;
}

const compgen = (words: readonly string[]): string =>
  `mapfile -t COMPREPLY < <(compgen -W "${words.join(" ")}" -- "$word")`;

function replyOf(values: Values): string {
  switch (values.kind) {
    case "words":
      // The value follows at once.
      return values.words.some((word) => /[=.]$/.test(word))
        ? `${compgen(values.words)}; compopt -o nospace 2>/dev/null`
        : compgen(values.words);
    case "list":
      return `_agentcore_list ${values.words.join(" ")}`;
    // The shell quotes file names: one can be a command. Outside a completion, as in a test, it does not know its options.
    case "files":
      return 'mapfile -t COMPREPLY < <(compgen -f -- "$word"); compopt -o filenames 2>/dev/null';
    case "directories":
      return 'mapfile -t COMPREPLY < <(compgen -d -- "$word"); compopt -o filenames 2>/dev/null';
    case "asked":
      return `_agentcore_offer < <(_agentcore_asked ${values.what})`;
    case "anything":
      return ":";
  }
}
