/**
 * Builds the command line: commands, options, examples. The code of a command is loaded when it is called, so that help, or
 * one command, does not load the others.
 */
import { Command, CommanderError } from "commander";
import { AgentCoreError } from "@agentcore/contract";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { reportError, writeJsonError } from "../report-error.ts";
import { packageVersion } from "../version.ts";
import { defineBudget, defineDead, defineJobs, defineWhy } from "./job-commands.ts";
import { fitHelp, helpColumns } from "./help-text.ts";
import {
  defineAdapter,
  defineCompletion,
  defineDoctor,
  defineSchema,
  defineTrust,
} from "./other-commands.ts";
import { examples, type Definition } from "./shared-options.ts";
import { defineRun, defineRuntime, defineSubmit, defineWork } from "./task-commands.ts";
import { defineDaemon } from "./daemon-commands.ts";
import { defineWorkflow } from "./workflow-commands.ts";

/** Runs the command that the arguments (without program and script) name. Resolves with the exit code. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  const state = { exitCode: 0 };
  const words = helpWords(args);
  const [first = ""] = words;
  const only = first === "__complete" ? "completion" : first;
  const program = buildProgram(io, state, Object.hasOwn(definitions, only) ? only : undefined);
  try {
    if (args.length === 0) program.help();
    await program.parseAsync([...words], { from: "user" });
    return state.exitCode;
  } catch (error) {
    const json = args.includes("--json");
    if (!(error instanceof CommanderError)) return reportError(error, io, json, commandIn(words));
    // Commander has printed its own message; `--help` and `--version` come as errors with exit code 0.
    if (error.exitCode === 0) return exitCodes.succeeded;
    if (error.code === "commander.unknownOption" && first.startsWith("-"))
      io.stderr.write("  put options after the command, such as: agentcore budget --config FILE\n");
    if (json) writeJsonError(io, new AgentCoreError("AC_USAGE", error.message.replace(/^error: /, "")));
    return exitCodes.usage;
  }
}

/** The command that the words name: `run`, or `jobs show`. */
function commandIn([first = "", second = ""]: readonly string[]): string {
  if (!Object.hasOwn(definitions, first)) return "";
  return groups.has(first) && /^[a-z]+$/.test(second) ? `${first} ${second}` : first;
}

const groups: ReadonlySet<string> = new Set(["workflow", "jobs", "dlq", "adapter"]);

/** Turns `help workflow run` into `workflow run --help`, because Commander's `help` handles only the first word. */
function helpWords(args: readonly string[]): readonly string[] {
  return args[0] === "help" && args.length > 2 ? [...args.slice(1), "--help"] : args;
}

/** A hint for instructions that start with a dash, which Commander reads as an option. */
function dashHint(text: string): string {
  const [, option = ""] = /unknown option '([^]*)'/.exec(text) ?? [];
  const isOption = /^--?[A-Za-z][A-Za-z0-9-]*(?:=|$)/.test(option);
  return option === "" || isOption ? "" : "  put -- before instructions that start with a dash\n";
}

/** Whether the command's exit code is the outcome of its work, even if its output could not be written. */
export function exitsByOutcome([command = "", subcommand = ""]: readonly string[]): boolean {
  switch (command) {
    case "run":
    case "work":
    case "runtime":
      return true;
    case "workflow":
      return subcommand === "run" || subcommand === "resume" || subcommand === "retry";
    case "jobs":
      return subcommand === "wait";
    default:
      return false;
  }
}

/** In the order of `agentcore --help`. */
const definitions: Readonly<Record<string, (definition: Definition) => void>> = {
  run: defineRun,
  submit: defineSubmit,
  work: defineWork,
  workflow: defineWorkflow,
  daemon: defineDaemon,
  jobs: defineJobs,
  dlq: defineDead,
  why: defineWhy,
  budget: defineBudget,
  doctor: defineDoctor,
  trust: defineTrust,
  runtime: defineRuntime,
  schema: defineSchema,
  adapter: defineAdapter,
  completion: defineCompletion,
};

/**
 * The program with every command, or only with `only`: describing all commands takes longer than many runs. The command
 * that ran sets `state.exitCode`.
 */
export function buildProgram(io: Io, state: { exitCode: number }, only?: string): Command {
  const program = new Command("agentcore")
    .description(
      "Runs coding agents unattended: stops them, limits them, observes them, leaves no process behind.",
    )
    .usage("COMMAND [options]")
    .version(packageVersion(), "-V, --version", "print the version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(fitHelp(text, helpColumns(io.stdout.stream))),
      getOutHelpWidth: () => helpColumns(io.stdout.stream),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(`agentcore: ${text.replace(/^error: /, "")}${dashHint(text)}`),
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
  const definition: Definition = {
    define: (name, description) => program.command(name).description(description).allowExcessArguments(false),
    finish:
      (action) =>
      async (...args) => {
        state.exitCode = await action(...args);
      },
    io,
    program,
  };
  for (const [name, describe] of Object.entries(definitions)) {
    // `completion` needs the definitions of all commands.
    if (only === undefined || only === "completion" || only === name) describe(definition);
  }
  return program;
}
