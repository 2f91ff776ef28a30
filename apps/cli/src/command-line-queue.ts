/** The commands about the queue: `submit`, `work`, `jobs`, `dlq`, `why`, `budget`, `runtime`. See `command-line.ts`. */
import type { Command } from "commander";
import { examples, stateOption, taskOptions, value, type Define, type Finish } from "./command-line-parts.ts";
import type { Io } from "./io.ts";
import { readCount, readDuration, readEdit, readLabel, readPriority, readStates } from "./option-values.ts";

export function defineQueue(define: Define, finish: Finish, io: Io): void {
  defineSubmit(define, finish, io);
  defineJobs(define("jobs", "Look at jobs, wait for them, stop them"), finish, io);
  defineRuntime(define, finish, io);
  defineDead(define("dlq", "Look at jobs that ended badly, run them again, delete them"), finish, io);
  command(define, "budget", "Show the cost and token limits, and what is left of each")
    .addHelpText("after", examples(["agentcore budget", "agentcore budget --json"]))
    .action(finish(async (options) => (await import("./commands/budget.ts")).budget(options, io)));
  command(define, "why", "Say what was decided about a job, by which rule, and who is ahead of it")
    .argument("<job>", "id, or its first six characters or more")
    .addHelpText("after", examples(["agentcore why 0199a2c4", "agentcore why 0199a2c4 --json"]))
    .action(finish(async (id: string, options) => (await import("./commands/why.ts")).why(id, options, io)));
}

function defineSubmit(define: Define, finish: Finish, io: Io): void {
  taskOptions(
    define("submit", "Put a task into the queue and print its id").argument(
      "[instructions]",
      "what to do; - reads it from stdin",
    ),
    io,
  )
    .option("--file <file>", "jobs to submit, one JSON object a line; - reads them from stdin")
    .option("--delay <duration>", "not before this much time has passed", value(readDuration))
    .option("--priority <value>", "-1000 to 1000, higher first within a class", value(readPriority))
    .option("--json", "one JSON object for each job")
    .addHelpText(
      "after",
      examples([
        'agentcore submit "Update the changelog" --worker codex --capabilities edit --key changelog',
        "agentcore submit --file jobs.jsonl",
      ]),
    )
    .action(
      finish(async (instructions: string | undefined, options) =>
        (await import("./commands/submit.ts")).submit(instructions, options, io),
      ),
    );
  command(define, "work", "Run the queue in the foreground")
    .option("--drain", "end when no job is left")
    .option("--in-process", "run the runtime in this process instead of a supervised one of its own")
    .option(
      "--concurrency <count>",
      "most runs at once here (default: limits.global.concurrency)",
      value(readCount),
    )
    .addHelpText(
      "after",
      examples(["agentcore work", "agentcore work --drain --concurrency 8 --json"]) +
        "\nCtrl-C once lets what runs finish, twice stops it cleanly, three times ends at once.\nSIGTERM stops it cleanly.\n",
    )
    .action(finish(async (options) => (await import("./commands/work.ts")).work(options, io)));
}

function defineRuntime(define: Define, finish: Finish, io: Io): void {
  stateOption(define("runtime", "Serve a runtime to a scheduler: JSON-RPC 2.0, one JSON object a line"))
    .requiredOption("--stdio", "on stdin and stdout; the log goes to stderr")
    .addHelpText(
      "after",
      examples(["agentcore runtime --stdio"]) + "\nThe messages are described in docs/wire.md.\n",
    )
    .action(finish(async (options) => (await import("./commands/runtime.ts")).runtime(options, io)));
}

function defineDead(dlq: Command, finish: Finish, io: Io): void {
  const define: Define = (name, description) =>
    dlq.command(name).description(description).allowExcessArguments(false);
  const select = (command: Command): Command =>
    filterOptions(command)
      .option("--code <code>", "only those that died with this code")
      .option("--all", "every one");
  filterOptions(command(define, "list", "List dead letters that were not replayed yet, newest first"))
    .option("--code <code>", "only those that died with this code")
    .option("--before <job>", "only jobs with a lower id: the next page")
    .option("--limit <count>", "at most so many (default: 100)", value(readCount))
    .addHelpText("after", examples(["agentcore dlq list --code AC_TIMEOUT"]))
    .action(finish(async (options) => (await import("./commands/dlq.ts")).listDead(options, io)));
  command(define, "show", "Show one with every attempt's evidence")
    .argument("<job>")
    .addHelpText("after", examples(["agentcore dlq show 0199a2c4"]))
    .action(
      finish(async (id: string, options) => (await import("./commands/jobs.ts")).showJob(id, options, io)),
    );
  select(command(define, "replay", "Put them into the queue again, each as a new job"))
    .argument("[job...]")
    .option("--set <path=value>", "change a field of the job first; may be repeated", value(readEdit))
    .addHelpText(
      "after",
      examples([
        "agentcore dlq replay 0199a2c4 --set limits.timeoutMs=3600000",
        "agentcore dlq replay --code AC_RUNTIME_LOST",
      ]),
    )
    .action(
      finish(async (ids: string[], options) =>
        (await import("./commands/dlq.ts")).replayDead(ids, options, io),
      ),
    );
  select(command(define, "purge", "Delete them for good, with their attempts and decisions"))
    .argument("[job...]")
    .addHelpText("after", examples(["agentcore dlq purge --label team=core", "agentcore dlq purge --all"]))
    .action(
      finish(async (ids: string[], options) =>
        (await import("./commands/dlq.ts")).purgeDead(ids, options, io),
      ),
    );
}

function defineJobs(jobs: Command, finish: Finish, io: Io): void {
  const define: Define = (name, description) =>
    jobs.command(name).description(description).allowExcessArguments(false);
  filterOptions(command(define, "list", "List jobs, newest first"))
    .option("--state <list>", "queued, running, succeeded, dead, cancelled", value(readStates))
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

function filterOptions(command: Command): Command {
  return command
    .option("--worker <name>", "only jobs of this worker")
    .option("--tenant <name>", "only jobs of this tenant")
    .option("--key <key>", "only jobs with this idempotency key")
    .option("--label <name=value>", "only jobs with this label; may be repeated", value(readLabel));
}
