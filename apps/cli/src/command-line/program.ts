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
import { defineBudget, defineDead, defineHosts, defineJobs, defineWhy } from "./job-commands.ts";
import { fitHelp, helpColumns } from "./help-text.ts";
import {
  defineAdapter,
  defineBackup,
  defineCompletion,
  defineDoctor,
  defineSchema,
  defineTrust,
} from "./other-commands.ts";
import { examples, type Definition } from "./shared-options.ts";
import { defineRun, defineRuntime, defineSubmit, defineWork } from "./task-commands.ts";
import { defineDaemon } from "./daemon-commands.ts";
import { defineEmit, defineToken, defineTop, defineTrigger } from "./trigger-commands.ts";
import { cureLine, refuseEmpty, wordsFor, wordsToParse } from "./usage-errors.ts";
import { defineWorkflow } from "./workflow-commands.ts";

/** Runs the command that the arguments (without program and script) name. Resolves with the exit code. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  const state: ProgramState = { exitCode: 0 };
  const named = args[0] === "help" ? args.slice(1) : args;
  const [first = ""] = named;
  const only = first === "__complete" ? "completion" : first;
  const program = buildProgram(io, state, Object.hasOwn(definitions, only) ? only : undefined);
  try {
    if (args.length === 0) program.help();
    await program.parseAsync([...wordsToParse(args, program)], { from: "user" });
    return state.exitCode;
  } catch (error) {
    const json = args.includes("--json");
    if (!(error instanceof CommanderError)) return reportError(error, io, json, commandIn(named));
    // Commander has printed its own message; `--help` and `--version` come as errors with exit code 0.
    if (error.exitCode === 0) return exitCodes.succeeded;
    io.stderr.write(cureLine(error.code, state.usageError ?? "", args, commandIn(named)));
    if (json) writeJsonError(io, new AgentCoreError("AC_USAGE", error.message.replace(/^error: /, "")));
    return exitCodes.usage;
  }
}

/** The command that the words name: `run`, or `jobs show`. */
function commandIn([first = "", second = ""]: readonly string[]): string {
  if (!Object.hasOwn(definitions, first)) return "";
  return groups.has(first) && /^[a-z]+$/.test(second) ? `${first} ${second}` : first;
}

const groups: ReadonlySet<string> = new Set([
  "workflow",
  "jobs",
  "dlq",
  "adapter",
  "daemon",
  "trigger",
  "token",
  "hosts",
]);

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
  top: defineTop,
  trigger: defineTrigger,
  emit: defineEmit,
  token: defineToken,
  jobs: defineJobs,
  dlq: defineDead,
  why: defineWhy,
  budget: defineBudget,
  hosts: defineHosts,
  doctor: defineDoctor,
  backup: defineBackup,
  trust: defineTrust,
  runtime: defineRuntime,
  schema: defineSchema,
  adapter: defineAdapter,
  completion: defineCompletion,
};

interface ProgramState {
  exitCode: number;
  /** What was printed about a wrong call. */
  usageError?: string;
}

/**
 * The program with every command, or only with `only`: describing all commands takes longer than many runs. The command
 * that ran sets `state.exitCode`.
 */
export function buildProgram(io: Io, state: ProgramState, only?: string): Command {
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
      outputError: (text, write) => {
        state.usageError = wordsFor(text, () => buildProgram(io, state));
        write(`agentcore: ${state.usageError}`);
      },
    })
    .showSuggestionAfterError(true)
    .hook("preAction", (_program, command) => refuseEmpty(command))
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
