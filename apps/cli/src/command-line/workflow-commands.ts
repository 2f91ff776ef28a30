/** The commands about workflows: `workflow run|resume|retry|cancel|validate|graph|list|show|logs`. */
import type { Command } from "commander";
import { readCount, readDollars, readLabel } from "../options/option-values.ts";
import {
  examples,
  stateCommand,
  stateOption,
  value,
  type Define,
  type Definition,
} from "./shared-options.ts";

export function defineWorkflow({ define: defineTop, finish, io }: Definition): void {
  const top = defineTop(
    "workflow",
    "Run workflows: many steps, in order, within one budget, resumable",
  ).addHelpText("after", examples(["agentcore workflow run ci.yaml", "agentcore help workflow run"]));
  const define: Define = (name, description) =>
    top.command(name).description(description).allowExcessArguments(false);
  defineRun({ define, finish, io });
  showOptions(stateOption(define("resume", "Continue an interrupted run")))
    .argument("<run>", "id, or its first six characters or more")
    .addHelpText("after", examples(["agentcore workflow resume 0199a2c4"]) + exitCodesText)
    .action(
      finish(async (run: string, options) =>
        (await import("../commands/workflow-run.ts")).resumeWorkflow(run, options, io),
      ),
    );
  showOptions(
    stateOption(define("retry", "Begin again what failed in a run that has ended; what succeeded is kept")),
  )
    .argument("<run>", "id, or its first six characters or more")
    .option("--failed", "the steps that failed, and what waited for them (the default)")
    .option("--from <step>", "this step, and all that waits for it")
    .addHelpText(
      "after",
      examples(["agentcore workflow retry 0199a2c4", "agentcore workflow retry 0199a2c4 --from build"]) +
        exitCodesText,
    )
    .action(
      finish(async (run: string, options) =>
        (await import("../commands/workflow-run.ts")).retryWorkflow(run, options, io),
      ),
    );
  stateCommand(
    define,
    "cancel",
    "End a run: the process that works on it is asked to stop, and it is not resumed",
  )
    .argument("<run>", "id, or its first six characters or more")
    .addHelpText("after", examples(["agentcore workflow cancel 0199a2c4"]))
    .action(
      finish(async (run: string, options) =>
        (await import("../commands/workflow-run.ts")).cancelWorkflow(run, options, io),
      ),
    );
  agentsOption(define("validate", "Find every mistake of a workflow file; runs nothing"))
    .argument("<file>")
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["agentcore workflow validate ci.yaml"]))
    .action(
      finish(async (file: string, options) =>
        (await import("../commands/workflow.ts")).validateWorkflow(file, options, io),
      ),
    );
  defineGraph({ define, finish, io });
  defineLooks({ define, finish, io });
}

type Below = Pick<Definition, "define" | "finish" | "io">;

function defineRun({ define, finish, io }: Below): void {
  showOptions(agentsOption(stateOption(define("run", "Run a workflow file to its end"))))
    .argument("<file>")
    .option("-C, --workspace <dir>", "directory to work in (default: the current one)")
    .option("--input <name=value>", "parameter of the workflow; may be repeated", value(readLabel))
    .option("--max-cost <usd>", "ceiling of the whole run, if lower than the file's", value(readDollars))
    .option("--max-tokens <count>", "likewise, in tokens", value(readCount))
    .option("--base-branch <name>", "base of the work (default: $BASE_BRANCH, else the current branch)")
    .option("--protected-branches <list>", "where steps may not edit (default: main,master,release/*)", list)
    .option("--allow-protected-branch", "let steps edit there all the same")
    .addHelpText(
      "after",
      examples([
        "agentcore workflow run ci.yaml --workspace . --junit report.xml",
        "agentcore workflow run fix.yaml --input issue=42 --max-cost 5 --json",
      ]) + exitCodesText,
    )
    .action(
      finish(async (file: string, options) =>
        (await import("../commands/workflow-run.ts")).runWorkflowFile(file, options, io),
      ),
    );
}

function defineGraph({ define, finish, io }: Below): void {
  pictureOptions(
    agentsOption(
      stateOption(define("graph", "Show the steps and what they wait for: Mermaid text, or a picture")),
    ),
  )
    .argument("[file]")
    .option("--run <run>", "instead of a file: a run, with how each of its steps stands")
    .addHelpText(
      "after",
      examples([
        "agentcore workflow graph ci.yaml > ci.mmd",
        "agentcore workflow graph ci.yaml --html ci.html",
        "agentcore workflow graph --run 0199a2c4 --svg run.svg",
      ]),
    )
    .action(
      finish(async (file: string | undefined, options) =>
        (await import("../commands/workflow-graph.ts")).graphWorkflow(file, options, io),
      ),
    );
}

function pictureOptions(command: Command): Command {
  return command
    .option("--svg [file]", "a picture; without a file to stdout")
    .option("--html [file]", "a page with the picture and what there is to know of each step");
}

function defineLooks({ define, finish, io }: Below): void {
  stateCommand(define, "list", "List runs, newest first")
    .option("--before <run>", "only runs with a lower id: the next page")
    .option("--limit <count>", "at most so many (default: 100)", value(readCount))
    .addHelpText("after", examples(["agentcore workflow list --json"]))
    .action(
      finish(async (options) => (await import("../commands/workflow.ts")).listWorkflowRuns(options, io)),
    );
  stateCommand(define, "logs", "Print what the workers of a run printed, job by job")
    .argument("<run>", "id, or its first six characters or more")
    .argument("[step]", "only this step's jobs and checks")
    .option("--raw", "the bytes as they came, stdout to stdout and stderr to stderr")
    .addHelpText(
      "after",
      `\nOn a terminal, lines of more than 1,000 columns are cut; in a file or pipe they are whole.\n${examples(["agentcore workflow logs 0199a2c4", "agentcore workflow logs 0199a2c4 build"])}`,
    )
    .action(
      finish(async (run: string, step: string | undefined, options) =>
        (await import("../commands/workflow-logs.ts")).workflowLogs(run, step, options, io),
      ),
    );
  pictureOptions(stateCommand(define, "show", "Show a run and its steps"))
    .argument("<run>", "id, or its first six characters or more")
    .addHelpText(
      "after",
      examples(["agentcore workflow show 0199a2c4", "agentcore workflow show 0199a2c4 --html run.html"]),
    )
    .action(
      finish(async (run: string, options) =>
        (await import("../commands/workflow.ts")).showWorkflowRun(run, options, io),
      ),
    );
}

const exitCodesText =
  "\nExit codes: 0 succeeded, 1 failed, 2 usage or a mistake in the file, 4 timed out, 5 budget exhausted, 130 cancelled or interrupted.\n";

function showOptions(command: Command): Command {
  return command
    .option("-v, --verbose", "lines with what the steps print, instead of the live screen of a terminal")
    .option("--plain", "a line for each change of a step, instead of the live screen of a terminal")
    .option("--junit <file>", "write a JUnit report when it ends")
    .option("--json", "one JSON event a line; the last line is the result");
}

function agentsOption(command: Command): Command {
  return command.option(
    "--agents <file>",
    "agent profiles; may be repeated, later ones win (default: $AGENTCORE_AGENTS_FILE, else agents.yaml beside the file)",
    value(readAgentFile),
  );
}

function readAgentFile(file: string, before: readonly string[] = []): readonly string[] {
  return [...before, file];
}

function list(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
