/** What the definitions of commands share: options that many have, readers of values, examples. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { InvalidValue } from "./option-values.ts";

export type Define = (name: string, description: string) => Command;
export type Finish = <Args extends unknown[]>(
  action: (...args: Args) => Promise<number>,
) => (...args: Args) => Promise<void>;

/** Options of every command that has a configuration and state. */
export function stateOption(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(
      new Option(
        "--state-dir <dir>",
        "where jobs, logs and artifacts are kept (default: $XDG_STATE_HOME/agentcore)",
      ),
    );
}

export function configOption(): Option {
  return new Option("--config <file>", "configuration file (default: the nearest agentcore.yaml upwards)");
}

/** A reader of option values as the command line library wants it. */
export function value<T>(read: (text: string, before?: T) => T): (text: string, before: T | undefined) => T {
  return (text, before) => {
    try {
      return read(text, before);
    } catch (error) {
      if (error instanceof InvalidValue) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join("")}`;
}
