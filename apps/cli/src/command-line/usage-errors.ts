/**
 * Words of wrong calls. Commander finds most of them and prints one line; this file adds the cure: the command that was meant,
 * or where to read on. It also finds values that are empty, which are usually variables that are not set.
 */
import type { Command } from "commander";

/** Turns `help jobs list` into `jobs list --help`. A word that names no command is left for Commander to refuse. */
export function wordsToParse(args: readonly string[], program: Command): readonly string[] {
  const [first = ""] = args;
  if (first !== "help") return asksForHelp(args) && isUnknown(first, program) ? [first] : args;
  const words = args.slice(1);
  return isEveryKnown(words, program) ? [...words, "--help"] : words;
}

const asksForHelp = (args: readonly string[]): boolean => args.includes("--help") || args.includes("-h");

const isUnknown = (word: string, command: Command): boolean =>
  !word.startsWith("-") && subcommand(command, word) === undefined;

function isEveryKnown([word, ...rest]: readonly string[], command: Command): boolean {
  if (word === undefined || command.commands.length === 0) return true;
  const named = subcommand(command, word);
  return named !== undefined && isEveryKnown(rest, named);
}

const subcommand = (command: Command, name: string): Command | undefined =>
  command.commands.find((each) => each.name() === name);

/** Commander's message. If another group has the command that was named, it says so: `jobs cancel` for `cancel`. */
export function wordsFor(text: string, everyCommand: () => Command): string {
  const plain = text.replace(/^error: /, "");
  if (/^unknown option '--url(?:=|')/.test(plain))
    return "this command works on this machine only and takes no --url\n";
  const [line, name] = /^unknown command '([^']*)'/.exec(plain) ?? [];
  if (line === undefined || name === undefined) return `${plain}${dashHint(plain)}`;
  const program = everyCommand();
  const places = [
    ...(subcommand(program, name) === undefined ? [] : [`agentcore ${name}`]),
    ...program.commands
      .filter((group) => subcommand(group, name) !== undefined)
      .map((group) => `agentcore ${group.name()} ${name}`),
  ];
  return places.length === 0 ? plain : `${line}\n(Did you mean ${places.join(", or ")}?)\n`;
}

/** A hint for instructions that start with a dash, which Commander reads as an option. */
function dashHint(text: string): string {
  const [, option = ""] = /unknown option '([^]*)'/.exec(text) ?? [];
  const isOption = /^--?[A-Za-z][A-Za-z0-9-]*(?:=|$)/.test(option);
  return option === "" || isOption ? "" : "  put -- before instructions that start with a dash\n";
}

/** The line below Commander's message; empty if the message, as printed, has its cure. `command`: its words. */
export function cureLine(code: string, printed: string, args: readonly string[], command: string): string {
  if (printed.includes("takes no --url")) return `  AC_USAGE: ${cureOfUrl(command)}\n`;
  if (code === "commander.unknownOption" && args[0]?.startsWith("-") === true)
    return "  put options after the command, such as: agentcore budget --config FILE\n";
  if (code === "commander.invalidArgument" || /Did you mean|put -- before/.test(printed)) return "";
  if (code === "commander.excessArguments" && (command === "run" || command === "submit"))
    return "  put the instructions in quotes, as one argument\n";
  return `  AC_USAGE: See agentcore help${command === "" ? "" : ` ${command}`}\n`;
}

/** What to do in place of a command that takes no URL of a daemon. */
function cureOfUrl(command: string): string {
  switch (command) {
    case "run":
      return "Give the task to the daemon: agentcore submit --url URL, then agentcore jobs wait JOB --url URL";
    case "work":
    case "runtime":
    case "daemon run":
      return "Leave it out: the daemon runs the jobs of its own state directory";
    case "doctor":
    case "backup":
    case "hosts":
    case "hosts list":
    case "hosts drain":
    case "hosts resume":
    case "token":
    case "token create":
    case "token list":
    case "token revoke":
      return "Run it on the daemon's machine, with --state-dir DIR";
    default:
      return "Leave it out, or run the command on the daemon's machine";
  }
}

/** Refuses empty values: an empty directory would be the current one. Instructions have their own message. */
export function refuseEmpty(command: Command): void {
  const values: Readonly<Record<string, unknown>> = command.opts();
  const option = command.options.find((each) => values[each.attributeName()] === "");
  if (option !== undefined) refuse(command, `option '${option.flags}'`);
  const argument = command.registeredArguments.find(
    (each, index) => each.name() !== "instructions" && isEmpty(command.processedArgs[index]),
  );
  if (argument !== undefined) refuse(command, `argument '${argument.name()}'`);
}

const isEmpty = (value: unknown): boolean => value === "" || (Array.isArray(value) && value.includes(""));

function refuse(command: Command, what: string): never {
  return command.error(`error: ${what} is empty; is a variable in the call not set?`, {
    code: "commander.invalidArgument",
    exitCode: 2,
  });
}
