/** Options, value readers and example formatting that several command definitions share. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { AgentCoreError, dedupSchema } from "@agentcore/contract";
import type { Io } from "../io.ts";
import { lastWord } from "../queue/id-words.ts";
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

/** Adds a command with that name to the program, or to another command. */
export type Define = (name: string, description: string) => Command;
/** Turns a function that returns an exit code into a Commander action. */
type Finish = <Args extends unknown[]>(
  action: (...args: Args) => Promise<number>,
) => (...args: Args) => Promise<void>;

/** The arguments of a command definition. */
export interface Definition {
  readonly define: Define;
  readonly finish: Finish;
  readonly io: Io;
  readonly program: Command;
}

/** A command with the options of every command that uses state. */
export function stateCommand(define: Define, name: string, description: string): Command {
  return stateOption(define(name, description)).option("--json", "JSON instead of a table");
}

/** A command that asks a daemon with a URL, or else works on the state directory. */
export function targetCommand(define: Define, name: string, description: string): Command {
  return urlOption(stateCommand(define, name, description));
}

/** `otherwise`: what is asked without a URL. */
export function urlOption(command: Command, otherwise = "the state directory"): Command {
  return command
    .option(
      "--url <url>",
      `daemon to ask: http://HOST:PORT, https://HOST or unix:///PATH (default: $AGENTCORE_URL, else ${otherwise})`,
    )
    .addHelpText("after", "\nA URL goes with the token in AGENTCORE_TOKEN; a Unix socket needs none.\n");
}

/** Adds the options of every command that has a configuration and state. */
export function stateOption(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(
      new Option(
        "--state-dir <dir>",
        "directory for jobs, logs and artifacts (default: $XDG_STATE_HOME/agentcore)",
      ),
    );
}

export function configOption(): Option {
  return new Option(
    "--config <file>",
    "configuration file (default: agentcore.yaml here or in a directory above)",
  );
}

/** Adapts a reader of option values to Commander. */
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

/**
 * The argument that names a job or a run, and `--last` in its place. The action gets what was named by `idOf`.
 * `does`: what happens to it, such as `to show`.
 */
export function idArgument(command: Command, what: "job" | "run", does: string): Command {
  return command
    .argument(`[${what}]`, `${what} ${does}: id, short id from a list, or ${lastWord}`)
    .option("--last", `the newest ${what}; the same as ${lastWord}`);
}

/** Throws `AC_USAGE` if neither an id nor `--last` is given, or both are. */
export function idOf(
  what: "job" | "run",
  id: string | undefined,
  { last }: { readonly last?: boolean },
): string {
  if (id !== undefined && last === true)
    throw new AgentCoreError("AC_USAGE", `give an id or --last, not both`);
  const named = last === true ? lastWord : id;
  if (named === undefined)
    throw new AgentCoreError(
      "AC_USAGE",
      `no ${what} given: pass its id, its short id from a list, or --last`,
    );
  return named;
}

export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join("")}`;
}

/** Options for a task and its limits, shared by `run` and `submit`. */
export function taskOptions(command: Command, io: Io): Command {
  return stateOption(
    command
      .option("-w, --worker <name>", "shell, claude-code, codex, opencode, or a worker of the configuration")
      .option("-C, --workspace <dir>", "directory to work in (default: the current one)")
      .option(
        "--capabilities <list>",
        "read, edit, run_tests, run_commands (default: read)",
        value(readCapabilities),
      )
      .option("-m, --model <name>", "model, by the worker's name for it")
      .option(
        "--timeout <duration>",
        "time limit of one attempt, such as 10m (default: 30m)",
        value(readDuration),
      )
      .option("--max-cost <usd>", "US dollars for all attempts together", value(readDollars))
      .option("--max-tokens <count>", "tokens for all attempts together", value(readCount))
      .option("--max-attempts <count>", "maximum number of attempts (default: 1)", value(readCount))
      .option(
        "--silence-timeout <duration>",
        "longest allowed silence of the worker while no tool call is in flight",
        value(readDuration),
      )
      .option("--key <key>", "idempotency key; at most one unfinished job may hold it")
      .addOption(
        new Option("--dedup <policy>", "what to do if an unfinished job holds the key").choices(
          dedupSchema.options,
        ),
      )
      .option("--session <id>", "session of the worker to resume")
      .option(
        "--verify <script>",
        "shell script that must exit with 0 in the workspace for the run to succeed",
      )
      .option(
        "--output <[name=]path>",
        "file that must exist after the run; may be repeated",
        value(readOutput),
      )
      .option(
        "--env <name[=value]>",
        "environment variable for the worker; may be repeated",
        value(readEnv(io.env)),
      )
      .option("--tenant <name>", "tenant of the run; budgets and fair scheduling are per tenant")
      .option("--label <name=value>", "label to find the job by; may be repeated", value(readLabel))
      .option("--interactive", "use the interactive priority class (default for run; submit: batch)")
      .option("--require-sealed", "refuse to run with best-effort containment"),
  );
}
