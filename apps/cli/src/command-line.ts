/**
 * The command line as data: commands, options, examples. What a command does is loaded when it is called, so that asking
 * for help, or running one command, pays for nothing else. The order here is the order of `agentcore --help`.
 */
import { Command, CommanderError } from "commander";
import { AgentCoreError } from "@agentcore/contract";
import { examples, stateOption, taskOptions, type Define, type Finish } from "./command-line-parts.ts";
import { defineQueue } from "./command-line-queue.ts";
import { exitCodes } from "./exit-code.ts";
import type { Io } from "./io.ts";
import { reportError, writeJsonError } from "./report-error.ts";
import { packageVersion } from "./version.ts";

/** Runs the arguments (without program and script) and answers the exit code. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  const state = { exitCode: 0 };
  const program = buildProgram(io, state);
  try {
    if (args.length === 0) program.help();
    await program.parseAsync([...args], { from: "user" });
    return state.exitCode;
  } catch (error) {
    const json = args.includes("--json");
    if (!(error instanceof CommanderError)) return reportError(error, io, json);
    // Commander has printed its own message; `--help` and `--version` come as errors with exit code 0.
    if (error.exitCode === 0) return exitCodes.succeeded;
    if (json) writeJsonError(io, new AgentCoreError("AC_USAGE", error.message.replace(/^error: /, "")));
    return exitCodes.usage;
  }
}

/** The program with every command; `state.exitCode` is set by the command that ran. */
export function buildProgram(io: Io, state: { exitCode: number }): Command {
  const program = new Command("agentcore")
    .description(
      "Runs coding agents unattended: they stop, stay within limits, can be watched, leave nothing behind.",
    )
    .usage("COMMAND [options]")
    .version(packageVersion(), "-V, --version", "print the version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(`agentcore: ${text.replace(/^error: /, "")}`),
    })
    .showSuggestionAfterError(true)
    .addHelpText(
      "after",
      examples([
        "agentcore doctor",
        'agentcore run "Fix the failing test" --worker claude-code --capabilities edit,run_tests --max-cost 2.50',
        "agentcore help run",
      ]),
    );
  const define: Define = (name, description) =>
    program.command(name).description(description).allowExcessArguments(false);
  const finish: Finish =
    (action) =>
    async (...args) => {
      state.exitCode = await action(...args);
    };
  defineRun(define, finish, io);
  defineQueue(define, finish, io);
  defineAbout(define, finish, io, program);
  return program;
}

function defineRun(define: Define, finish: Finish, io: Io): void {
  taskOptions(
    define("run", "Run one task now, and show it while it runs").argument(
      "[instructions]",
      "what to do; - reads it from stdin",
    ),
    io,
  )
    .option("--no-wait", "where the gate says `not now`, end with exit code 3 instead of waiting")
    .option("--json", "one JSON event a line; the last line is the result")
    .addHelpText(
      "after",
      examples([
        'agentcore run "Make the failing test pass" --worker claude-code --capabilities edit,run_tests',
        "agentcore run - --worker codex --timeout 20m --max-cost 2.50 --json < task.md",
        "agentcore run --worker shell --capabilities run_commands 'npm run build'",
      ]) +
        "\nExit codes: 0 succeeded, 1 failed, 2 usage or configuration, 3 refused by the gate,\n4 timed out or stalled, 5 budget exhausted, 130 cancelled.\n",
    )
    .action(
      finish(async (instructions: string | undefined, options) =>
        (await import("./commands/run.ts")).run(instructions, options, io),
      ),
    );
}

function defineAbout(define: Define, finish: Finish, io: Io, program: Command): void {
  stateOption(define("doctor", "Say which workers are here, how well they can be contained, and what to do"))
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["agentcore doctor", "agentcore doctor --json"]))
    .action(finish(async (options) => (await import("./commands/doctor.ts")).doctor(options, io)));
  define("schema", "Print a JSON Schema")
    .argument("[name]", "config, job, event or result", "config")
    .addHelpText("after", examples(["agentcore schema > agentcore.schema.json", "agentcore schema result"]))
    .action(finish(async (name: string) => (await import("./commands/schema.ts")).schema(name, io)));
  define("completion", "Print a completion script for a shell")
    .argument("<shell>", "bash, zsh or fish")
    .addHelpText(
      "after",
      examples([
        "agentcore completion bash > ~/.local/share/bash-completion/completions/agentcore",
        "agentcore completion fish > ~/.config/fish/completions/agentcore.fish",
      ]),
    )
    .action(
      finish(async (shell: string) =>
        (await import("./commands/completion.ts")).completion(shell, program, io),
      ),
    );
}
