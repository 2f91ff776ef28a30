/** Options, value readers and example formatting that several command definitions share. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { dedupSchema } from "@agentcore/contract";
import type { Io } from "../io.ts";
import {
  InvalidValue,
  readCapabilities,
  readCount,
  readDollars,
  readDuration,
  readEnv,
  readLabel,
  readOutput,
} from "../options/option-values.ts";

/** Makes a command of that name below the program, or below another command. */
export type Define = (name: string, description: string) => Command;
/** Turns a command's work, which answers an exit code, into what the command line library calls. */
type Finish = <Args extends unknown[]>(
  action: (...args: Args) => Promise<number>,
) => (...args: Args) => Promise<void>;

/** What a definition is made with. */
export interface Definition {
  readonly define: Define;
  readonly finish: Finish;
  readonly io: Io;
  readonly program: Command;
}

/** A command with the options that everything with state has. */
export function stateCommand(define: Define, name: string, description: string): Command {
  return stateOption(define(name, description)).option("--json", "JSON instead of a table");
}

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

function configOption(): Option {
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

/** What describes a task and its limits: `run` and `submit` take the same. */
export function taskOptions(command: Command, io: Io): Command {
  return stateOption(
    command
      .option("-w, --worker <name>", "shell, claude-code, codex, opencode, or one of the configuration")
      .option("-C, --workspace <dir>", "directory to work in (default: the current one)")
      .option(
        "--capabilities <list>",
        "read, edit, run_tests, run_commands (default: read)",
        value(readCapabilities),
      )
      .option("-m, --model <name>", "model, as the worker knows it")
      .option(
        "--timeout <duration>",
        "wall clock of one attempt, such as 10m (default: 30m)",
        value(readDuration),
      )
      .option("--max-cost <usd>", "US dollars for all attempts together", value(readDollars))
      .option("--max-tokens <count>", "tokens for all attempts together", value(readCount))
      .option("--max-attempts <count>", "attempts in all (default: 1)", value(readCount))
      .option(
        "--silence-timeout <duration>",
        "longest silence of the worker with no tool call in flight",
        value(readDuration),
      )
      .option("--key <key>", "idempotency key; at most one unfinished job may hold it")
      .addOption(new Option("--dedup <policy>", "what to do then").choices(dedupSchema.options))
      .option("--session <id>", "session of the worker to resume")
      .option("--verify <script>", "shell script that must exit 0 in the workspace for the run to count")
      .option(
        "--output <[name=]path>",
        "file that the task must leave behind; may be repeated",
        value(readOutput),
      )
      .option(
        "--env <name[=value]>",
        "environment variable for the worker; may be repeated",
        value(readEnv(io.env)),
      )
      .option("--tenant <name>", "who the run is for; budgets and fairness count by tenant")
      .option("--label <name=value>", "label to find the job by; may be repeated", value(readLabel))
      .option("--interactive", "priority class of people who wait (default for run; submit: batch)")
      .option("--require-sealed", "refuse to run where containment is best-effort only"),
  );
}
