/** The commands that run or accept tasks: `run`, `submit`, `work`, `runtime`. */
import { Option } from "commander";
import { logLevels } from "../log.ts";
import {
  examples,
  stateCommand,
  stateOption,
  taskOptions,
  urlOption,
  value,
  type Definition,
} from "./shared-options.ts";
import { readCount, readDuration, readPriority } from "../options/option-values.ts";

export function defineRun({ define, finish, io }: Definition): void {
  taskOptions(
    define("run", "Run one task now, and show its progress").argument(
      "[instructions]",
      "what to do; - reads it from stdin",
    ),
    io,
  )
    .option("--no-wait", "do not wait for a free slot; exit with code 3")
    .option("-q, --quiet", "print only the worker's last message (with --json: only the result)")
    .option("--last-message <file>", "write the worker's last message to this file")
    .option("--json", "print one JSON event per line; the last line is the result")
    .addHelpText(
      "after",
      examples([
        'agentcore run "Make the failing test pass" --worker claude-code --capabilities edit,run_tests',
        "agentcore run - --worker codex --timeout 20m --max-cost 2.50 --json < task.md",
        "agentcore run --worker shell --capabilities run_commands 'npm run build'",
      ]) +
        "\nExit codes: 0 succeeded, 1 failed, 2 usage or configuration, 3 refused by the gate, 4 timed out or stalled, 5 budget exhausted, 6 the state directory could not be used just now, 130 cancelled.\n",
    )
    .action(
      finish(async (instructions: string | undefined, options) =>
        (await import("../commands/run.ts")).run(instructions, options, io),
      ),
    );
}

export function defineSubmit({ define, finish, io }: Definition): void {
  urlOption(
    taskOptions(
      define("submit", "Put a task into the queue and print its id").argument(
        "[instructions]",
        "what to do; - reads it from stdin",
      ),
      io,
    ),
  )
    .option("--file <file>", "file with jobs, one JSON object per line; - reads stdin")
    .option("--delay <duration>", "do not start before this time has passed", value(readDuration))
    .option("--priority <value>", "-1000 to 1000, higher first within a class", value(readPriority))
    .option("--json", "one JSON object for each job")
    .addHelpText(
      "after",
      examples([
        'agentcore submit "Update the changelog" --worker codex --capabilities edit --key changelog',
        "agentcore submit --file jobs.jsonl",
        "agentcore submit 'npm test' --worker shell --url https://ci.example.com --workspace /srv/shop",
      ]) +
        "\nWith a URL, paths such as --workspace are on the daemon's machine, and its configuration decides about workers and prices.\n",
    )
    .action(
      finish(async (instructions: string | undefined, options) =>
        (await import("../commands/submit.ts")).submit(instructions, options, io),
      ),
    );
}

export function defineWork({ define, finish, io }: Definition): void {
  stateCommand(define, "work", "Run the queue in the foreground")
    .option("--drain", "exit when no job is left")
    .option("--plain", "print a line for each event, instead of the live screen")
    .option("--in-process", "run the runtime in this process instead of a supervised child process")
    .option(
      "--concurrency <count>",
      "maximum number of runs at once (default: limits.global.concurrency)",
      value(readCount),
    )
    .addHelpText(
      "after",
      examples(["agentcore work", "agentcore work --drain --concurrency 8 --json"]) +
        "\nThe first Ctrl-C waits for running jobs, the second stops them cleanly, the third exits at once. SIGTERM stops running jobs cleanly. The exit code does not depend on how jobs ended: agentcore dlq list has those that failed.\n",
    )
    .action(finish(async (options) => (await import("../commands/work.ts")).work(options, io)));
}

export function defineRuntime({ define, finish, io }: Definition): void {
  stateOption(define("runtime", "Serve a runtime to a scheduler: JSON-RPC 2.0, one JSON object per line"))
    .requiredOption("--stdio", "on stdin and stdout; the log goes to stderr")
    .addOption(new Option("--log-level <level>", "what the log has").choices(logLevels).default("warn"))
    .addOption(new Option("--handed-config", "read the configuration from descriptor 3").hideHelp())
    .addHelpText(
      "after",
      examples(["agentcore runtime --stdio"]) + "\nThe messages are described in docs/wire.md.\n",
    )
    .action(finish(async (options) => (await import("../commands/runtime.ts")).runtime(options, io)));
}
