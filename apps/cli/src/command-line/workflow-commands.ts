/** The commands about workflows: `workflow run|resume|retry|cancel|approve|reject|validate|graph|list|show|logs`. */
import type { Command } from "commander";
import { lastWord } from "../queue/id-words.ts";
import { readCount, readDollars, readLabel } from "../options/option-values.ts";
import {
  examples,
  idArgument,
  idOf,
  stateOption,
  targetCommand,
  urlOption,
  value,
  type Define,
  type Definition,
} from "./shared-options.ts";

export function defineWorkflow({ define: defineTop, finish, io }: Definition): void {
  const top = defineTop("workflow", "Run workflows: resumable, many steps within one budget").addHelpText(
    "after",
    examples(["agentcore workflow run ci.yaml", "agentcore help workflow run"]),
  );
  const define: Define = (name, description) =>
    top.command(name).description(description).allowExcessArguments(false);
  defineRun({ define, finish, io });
  idArgument(showOptions(remote(define("resume", "Continue an interrupted run"))), "run", "to continue")
    .addHelpText("after", examples(["agentcore workflow resume 2727b1d1"]) + exitCodesText)
    .action(
      finish(async (run: string | undefined, options) =>
        (await import("../commands/workflow-run.ts")).resumeWorkflow(idOf("run", run, options), options, io),
      ),
    );
  const retry = remote(
    define("retry", "Run the failed steps of an ended run again; succeeded steps are kept"),
  );
  idArgument(showOptions(retry), "run", "to run again")
    .option(
      "--failed",
      "the failed steps, and dependants that did not succeed or have a condition (the default)",
    )
    .option("--from <step>", "this step and all its dependants")
    .addHelpText(
      "after",
      examples(["agentcore workflow retry 2727b1d1", "agentcore workflow retry 2727b1d1 --from build"]) +
        exitCodesText,
    )
    .action(
      finish(async (run: string | undefined, options) =>
        (await import("../commands/workflow-run.ts")).retryWorkflow(idOf("run", run, options), options, io),
      ),
    );
  defineAnswers({ define, finish, io });
  const cancel = targetCommand(
    define,
    "cancel",
    "End a run: its process stops, and the run cannot be resumed",
  );
  idArgument(cancel, "run", "to end")
    .addHelpText(
      "after",
      `\nThe steps of "finally" still run; a second cancel ends them too.\n${examples(["agentcore workflow cancel 2727b1d1"])}`,
    )
    .action(
      finish(async (run: string | undefined, options) =>
        (await import("../commands/workflow-run.ts")).cancelWorkflow(idOf("run", run, options), options, io),
      ),
    );
  agentsOption(define("validate", "Find every error of a workflow file, without running it"))
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
  showOptions(agentsOption(remote(define("run", "Run a workflow file to its end"))))
    .argument("<file>")
    .option("-C, --workspace <dir>", "directory to work in (default: the current one)")
    .option("--input <name=value>", "parameter of the workflow; may be repeated", value(readLabel))
    .option("--max-cost <usd>", "ceiling of the whole run, if lower than the file's", value(readDollars))
    .option(
      "--max-tokens <count>",
      "token limit of the whole run, if lower than the file's",
      value(readCount),
    )
    .option("--base-branch <name>", "branch to start from (default: $BASE_BRANCH, else the current branch)")
    .option(
      "--protected-branches <list>",
      "branches on which steps may not edit (default: main,master,release/*)",
      list,
    )
    .option("--allow-protected-branch", "allow steps to edit on protected branches")
    .option("--only <step>", "run this step only, with what an earlier run left of the others")
    .option("--no-cache", "take no result of a step from the cache, and store none")
    .option("--dry-run", "show the steps, their order and their limits, and start nothing")
    .addHelpText(
      "after",
      examples([
        "agentcore workflow run ci.yaml --workspace . --junit report.xml",
        "agentcore workflow run fix.yaml --input issue=42 --max-cost 5 --json",
        "agentcore workflow run ci.yaml --dry-run",
        "agentcore workflow run /srv/shop/ci.yaml --workspace /srv/shop --url https://ci.example.com",
      ]) +
        "\nWith a URL, the daemon works on the run, and all paths but that of --junit are on its machine. Ctrl-C ends the command, not the run.\n" +
        exitCodesText,
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
      stateOption(define("graph", "Show the steps and their dependencies as Mermaid text or a picture")),
    ),
  )
    .argument("[file]")
    .option(
      "--run <run>",
      `show a run (id, short id or ${lastWord}) with the state of its steps, instead of a file`,
    )
    .addHelpText(
      "after",
      examples([
        "agentcore workflow graph ci.yaml > ci.mmd",
        "agentcore workflow graph ci.yaml --html ci.html",
        "agentcore workflow graph --run 2727b1d1 --svg run.svg",
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
    .option("--svg [file]", "write a picture (to stdout if no file is named)")
    .option("--html [file]", "write a page with the picture and the details of each step");
}

/** With --last, the only argument is the step. */
function runAndStep(
  run: string | undefined,
  step: string | undefined,
  options: { readonly last?: boolean },
): [run: string, step: string | undefined] {
  const isLast = options.last === true && step === undefined;
  return [idOf("run", isLast ? undefined : run, options), isLast ? run : step];
}

const answers = [
  ["approve", "approved", "Approve what a step of a run waits for"],
  ["reject", "rejected", "Reject what a step of a run waits for; the step fails"],
] as const;

function defineAnswers({ define, finish, io }: Below): void {
  for (const [name, decision, does] of answers) {
    idArgument(targetCommand(define, name, does), "run", "that waits")
      .argument("[step]", "not needed if only one step waits; SUB/STEP in a sub-workflow")
      .option("-m, --message <text>", "why; kept in the run")
      .addHelpText(
        "after",
        `\nWorks while the run is interrupted, too: the answer then counts when the run is resumed.\n${examples(
          [
            `agentcore workflow ${name} 2727b1d1`,
            `agentcore workflow ${name} 2727b1d1 release -m "see ticket 12"`,
          ],
        )}\nExit codes: 0 done, 1 nothing waits, 2 usage, 3 the file does not let this user answer.\n`,
      )
      .action(
        finish(async (run: string | undefined, step: string | undefined, options) =>
          (await import("../commands/workflow-approve.ts")).answerApproval(
            decision,
            ...runAndStep(run, step, options),
            options,
            io,
          ),
        ),
      );
  }
}

function defineLooks({ define, finish, io }: Below): void {
  targetCommand(define, "list", "List runs, newest first")
    .option("--before <run>", "only runs with a lower id: the next page")
    .option("--limit <count>", "at most so many (default: 100)", value(readCount))
    .addHelpText("after", examples(["agentcore workflow list --json"]))
    .action(
      finish(async (options) => (await import("../commands/workflow.ts")).listWorkflowRuns(options, io)),
    );
  const logs = targetCommand(define, "logs", "Print the output of a run's workers, job by job");
  idArgument(logs, "run", "whose output to print")
    .argument("[step]", "only this step's jobs and checks")
    .option("-f, --follow", "follow the run until it ends")
    .option("--raw", "the bytes as they came, stdout to stdout and stderr to stderr")
    .addHelpText(
      "after",
      `\nWith -f, the lines of steps that run at the same time are printed as they come, each with the name of its step.\nOn a terminal, lines of more than 1,000 columns are cut; in a file or pipe they are whole.\n${examples(["agentcore workflow logs 2727b1d1", "agentcore workflow logs -f --last build"])}`,
    )
    .action(
      finish(async (run: string | undefined, step: string | undefined, options) =>
        (await import("../commands/workflow-logs.ts")).workflowLogs(
          ...runAndStep(run, step, options),
          options,
          io,
        ),
      ),
    );
  idArgument(pictureOptions(targetCommand(define, "show", "Show a run and its steps")), "run", "to show")
    .addHelpText(
      "after",
      examples(["agentcore workflow show 2727b1d1", "agentcore workflow show 2727b1d1 --html run.html"]),
    )
    .action(
      finish(async (run: string | undefined, options) =>
        (await import("../commands/workflow.ts")).showWorkflowRun(idOf("run", run, options), options, io),
      ),
    );
}

const remote = (command: Command): Command => urlOption(stateOption(command));

const exitCodesText =
  "\nExit codes: 0 succeeded, 1 failed, 2 usage or an error in the file, 4 timed out, 5 budget exhausted, 130 cancelled or interrupted.\n";

function showOptions(command: Command): Command {
  return command
    .option("-v, --verbose", "print the output of the steps as lines, instead of the live screen")
    .option("--plain", "print a line for each change of a step, instead of the live screen")
    .option("--junit <file>", "write a JUnit report at the end")
    .option("--json", "print one JSON event per line; the last line is the result");
}

function agentsOption(command: Command): Command {
  return command.option(
    "--agents <file>",
    "agent profiles; may be repeated, later ones override (default: $AGENTCORE_AGENTS_FILE, else agents.yaml beside the file)",
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
