/** The commands about the queue: `submit`, `work`, `jobs`, `dlq`, `why`, `budget`, `runtime`. See `command-line.ts`. */
import type { Command } from "commander";
import { examples, stateOption, value, type Define, type Finish } from "./command-line-parts.ts";
import type { Io } from "./io.ts";
import { readCount, readDuration, readLabel, readStates } from "./option-values.ts";

export function defineQueue(define: Define, finish: Finish, io: Io): void {
  defineJobs(define("jobs", "Look at jobs, wait for them, stop them"), finish, io);
  command(define, "why", "Say what was decided about a job, by which rule, and who is ahead of it")
    .argument("<job>", "id, or its first six characters or more")
    .addHelpText("after", examples(["agentcore why 0199a2c4", "agentcore why 0199a2c4 --json"]))
    .action(finish(async (id: string, options) => (await import("./commands/why.ts")).why(id, options, io)));
}

function defineJobs(jobs: Command, finish: Finish, io: Io): void {
  const define: Define = (name, description) =>
    jobs.command(name).description(description).allowExcessArguments(false);
  filterOptions(command(define, "list", "List jobs, newest first"))
    .option("--before <job>", "only jobs with a lower id: the next page")
    .option("--limit <count>", "at most so many (default: 100)", value(readCount))
    .addHelpText(
      "after",
      examples([
        "agentcore jobs list --state queued,running",
        "agentcore jobs list --label team=core --json",
      ]),
    )
    .action(finish(async (options) => (await import("./commands/jobs.ts")).listJobs(options, io)));
  command(define, "show", "Show one job with its attempts, artifacts and receipts")
    .argument("<job>", "id, or its first six characters or more")
    .addHelpText("after", examples(["agentcore jobs show 0199a2c4"]))
    .action(
      finish(async (id: string, options) => (await import("./commands/jobs.ts")).showJob(id, options, io)),
    );
  command(define, "wait", "Wait for the end of a job, and exit as `run` would have")
    .argument("<job>")
    .option("--timeout <duration>", "give up waiting after this long; the job goes on", value(readDuration))
    .addHelpText("after", examples(['agentcore jobs wait "$JOB" --timeout 1h --json']))
    .action(
      finish(async (id: string, options) =>
        (await import("./commands/wait-job.ts")).waitForJob(id, options, io),
      ),
    );
  command(define, "cancel", "Stop jobs: queued ones at once, running ones cleanly")
    .argument("<job...>")
    .addHelpText("after", examples(["agentcore jobs cancel 0199a2c4 0199a2c5"]))
    .action(
      finish(async (ids: string[], options) =>
        (await import("./commands/jobs.ts")).cancelJobs(ids, options, io),
      ),
    );
  command(define, "logs", "Print what the worker printed")
    .argument("<job>")
    .option("-f, --follow", "go on until the job has ended, over all its attempts")
    .option("--attempt <number>", "only this attempt (default: the last)", value(readCount))
    .option("--raw", "the bytes as they came, stdout to stdout and stderr to stderr")
    .addHelpText("after", examples(["agentcore jobs logs -f 0199a2c4"]))
    .action(
      finish(async (id: string, options) => (await import("./commands/logs.ts")).logs(id, options, io)),
    );
}

/** A command with the options that everything with state has. */
function command(define: Define, name: string, description: string): Command {
  return stateOption(define(name, description)).option("--json", "JSON instead of a table");
}

export function filterOptions(command: Command): Command {
  return command
    .option("--state <list>", "queued, running, succeeded, dead, cancelled", value(readStates))
    .option("--worker <name>", "only jobs of this worker")
    .option("--tenant <name>", "only jobs of this tenant")
    .option("--key <key>", "only jobs with this idempotency key")
    .option("--label <name=value>", "only jobs with this label; may be repeated", value(readLabel));
}
