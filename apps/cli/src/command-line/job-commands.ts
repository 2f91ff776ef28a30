/** The commands for stored jobs: `jobs`, `dlq`, `budget`, `why`, and for those that run them: `hosts`. */
import type { Command } from "commander";
import {
  examples,
  idArgument,
  idOf,
  stateCommand,
  targetCommand,
  value,
  type Define,
  type Definition,
} from "./shared-options.ts";
import { lastWord } from "../queue/id-words.ts";
import { readCount, readDuration, readEdit, readStates } from "../options/option-values.ts";
import { readWhere } from "../options/job-filter.ts";

export function defineJobs({ define: defineTop, finish, io }: Definition): void {
  const top = defineTop("jobs", "Show, wait for and cancel jobs");
  const define: Define = (name, description) =>
    top.command(name).description(description).allowExcessArguments(false);
  where(targetCommand(define, "list", "List jobs, newest first"))
    .option("--state <list>", "queued, running, succeeded, dead, cancelled", value(readStates))
    .option("--all", "include the steps of workflow runs")
    .option("--run <run>", `only the steps of this workflow run (id, short id or ${lastWord})`)
    .option("--watch", "show the list again when it changes, until q or Ctrl-C")
    .option("--before <job>", "only jobs with a lower id: the next page")
    .option("--limit <count>", "at most so many (default: 100)", value(readCount))
    .addHelpText(
      "after",
      examples([
        "agentcore jobs list --state queued,running --watch",
        "agentcore jobs list --run @last",
        "agentcore jobs list --where worker=codex --where submitted_after=1d --json",
      ]),
    )
    .action(finish(async (options) => (await import("../commands/jobs.ts")).listJobs(options, io)));
  const show = targetCommand(define, "show", "Show one job with its attempts, artifacts and receipts");
  idArgument(show, "job", "to show")
    .addHelpText("after", examples(["agentcore jobs show 2727b1d1", "agentcore jobs show --last"]))
    .action(
      finish(async (id: string | undefined, options) =>
        (await import("../commands/jobs.ts")).showJob(idOf("job", id, options), options, io),
      ),
    );
  const wait = targetCommand(
    define,
    "wait",
    "Wait for the end of a job, and exit with the exit code of `run`",
  );
  idArgument(wait, "job", "to wait for")
    .option(
      "--timeout <duration>",
      "stop waiting after this time, and exit with 4; the job continues",
      value(readDuration),
    )
    .addHelpText("after", examples(['agentcore jobs wait "$JOB" --timeout 1h --json']))
    .action(
      finish(async (id: string | undefined, options) =>
        (await import("../commands/wait-job.ts")).waitForJob(idOf("job", id, options), options, io),
      ),
    );
  defineChanges(define, { finish, io });
  const logs = targetCommand(define, "logs", "Print a worker's output");
  idArgument(logs, "job", "whose output to print")
    .option("-f, --follow", "follow the job through all its attempts until it ends")
    .option("--attempt <number>", "only this attempt (default: the last)", value(readCount))
    .option("--raw", "the bytes as they came, stdout to stdout and stderr to stderr")
    .addHelpText(
      "after",
      `\nOn a terminal, lines of more than 1,000 columns are cut; in a file or pipe they are whole.\n${examples(["agentcore jobs logs -f 2727b1d1"])}`,
    )
    .action(
      finish(async (id: string | undefined, options) =>
        (await import("../commands/logs.ts")).logs(idOf("job", id, options), options, io),
      ),
    );
}

function defineChanges(define: Define, { finish, io }: Pick<Definition, "finish" | "io">): void {
  targetCommand(define, "cancel", "Cancel jobs: queued ones at once, running ones cleanly")
    .argument("[job...]", `jobs to cancel: ids, short ids from a list, or ${lastWord}`)
    .option("--last", `the newest job; the same as ${lastWord}`)
    .addHelpText(
      "after",
      examples(["agentcore jobs cancel 2727b1d1 5c0f3a77", "agentcore jobs cancel --last"]),
    )
    .action(
      finish(async (ids: string[], options) =>
        (await import("../commands/jobs.ts")).cancelJobs(
          ids.length > 0 && options.last !== true ? ids : [idOf("job", ids[0], options)],
          options,
          io,
        ),
      ),
    );
  const runNow = targetCommand(define, "run-now", "Make a delayed job due; others are left as they are");
  idArgument(runNow, "job", "to run now")
    .addHelpText("after", examples(["agentcore jobs run-now 2727b1d1"]))
    .action(
      finish(async (id: string | undefined, options) =>
        (await import("../commands/jobs.ts")).runJobNow(idOf("job", id, options), options, io),
      ),
    );
}

export function defineDead({ define: defineTop, finish, io }: Definition): void {
  const top = defineTop("dlq", "Show, replay and delete jobs that failed for good");
  const define: Define = (name, description) =>
    top.command(name).description(description).allowExcessArguments(false);
  const select = (command: Command): Command => where(command).option("--all", "all dead letters");
  where(targetCommand(define, "list", "List dead letters that have not been replayed, newest first"))
    .option("--before <job>", "only jobs with a lower id: the next page")
    .option("--limit <count>", "at most so many (default: 100)", value(readCount))
    .addHelpText("after", examples(["agentcore dlq list --where code=AC_TIMEOUT"]))
    .action(finish(async (options) => (await import("../commands/dlq.ts")).listDead(options, io)));
  const show = targetCommand(define, "show", "Show a dead letter with the evidence of every attempt");
  idArgument(show, "job", "to show")
    .addHelpText("after", examples(["agentcore dlq show 2727b1d1"]))
    .action(
      finish(async (id: string | undefined, options) =>
        (await import("../commands/jobs.ts")).showJob(idOf("job", id, options), options, io),
      ),
    );
  select(targetCommand(define, "replay", "Submit dead letters again, each as a new job"))
    .argument("[job...]", "dead letters: ids or short ids from the list")
    .option("--set <path=value>", "change a field of the job first; may be repeated", value(readEdit))
    .addHelpText(
      "after",
      examples([
        "agentcore dlq replay 2727b1d1 --set limits.timeoutMs=3600000",
        "agentcore dlq replay --where worker=codex --where error_class=network --where ended_after=6h",
      ]),
    )
    .action(
      finish(async (ids: string[], options) =>
        (await import("../commands/dlq.ts")).replayDead(ids, options, io),
      ),
    );
  select(targetCommand(define, "purge", "Delete dead letters permanently, with their attempts and decisions"))
    .argument("[job...]", "dead letters: ids or short ids from the list")
    .addHelpText(
      "after",
      examples([
        "agentcore dlq purge --where ended_before=90d --where label.team=core",
        "agentcore dlq purge --all",
      ]),
    )
    .action(
      finish(async (ids: string[], options) =>
        (await import("../commands/dlq.ts")).purgeDead(ids, options, io),
      ),
    );
}

export function defineBudget({ define, finish, io }: Definition): void {
  targetCommand(define, "budget", "Show the cost and token limits, and what is left of each")
    .addHelpText("after", examples(["agentcore budget", "agentcore budget --json"]))
    .action(finish(async (options) => (await import("../commands/budget.ts")).budget(options, io)));
}

export function defineHosts({ define: defineTop, finish, io }: Definition): void {
  const top = defineTop("hosts", "List, drain and resume the hosts that work on the queue");
  const define: Define = (name, description) =>
    top
      .command(name, { isDefault: name === "list" })
      .description(description)
      .allowExcessArguments(false);
  stateCommand(define, "list", "List the hosts with what they run, and whether they renew their lease")
    .addHelpText("after", examples(["agentcore hosts", "agentcore hosts list --json"]))
    .action(finish(async (options) => (await import("../commands/hosts.ts")).listHosts(options, io)));
  stateCommand(define, "drain", "Let a host take nothing more from the queue; what it runs goes on")
    .argument("<name>", "name from the list")
    .option("--wait", "return once nothing runs there")
    .addHelpText("after", examples(["agentcore hosts drain build-3", "agentcore hosts drain build-3 --wait"]))
    .action(
      finish(async (name: string, options) =>
        (await import("../commands/hosts.ts")).drainHost(name, options, io),
      ),
    );
  stateCommand(define, "resume", "Let a host take jobs again")
    .argument("<name>", "name from the list")
    .addHelpText("after", examples(["agentcore hosts resume build-3"]))
    .action(
      finish(async (name: string, options) =>
        (await import("../commands/hosts.ts")).resumeHost(name, options, io),
      ),
    );
}

export function defineWhy({ define, finish, io }: Definition): void {
  const why = targetCommand(define, "why", "Explain why a job is waiting, was retried or failed");
  idArgument(why, "job", "to explain")
    .addHelpText("after", examples(["agentcore why 2727b1d1", "agentcore why --last --json"]))
    .action(
      finish(async (id: string | undefined, options) =>
        (await import("../commands/why.ts")).why(idOf("job", id, options), options, io),
      ),
    );
}

function where(command: Command): Command {
  return command
    .option(
      "--where <field=value>",
      "only matching jobs; may be repeated with other fields",
      value(readWhere),
    )
    .addHelpText(
      "after",
      `
Fields of --where: worker, workspace (the whole path), text (in the instructions), tenant, key, label.NAME; code and error_class of the end; submitted_before, submitted_after, ended_before and ended_after with an age (7d) or a time (2026-05-01T12:00Z; UTC if it names no zone).`,
    );
}
