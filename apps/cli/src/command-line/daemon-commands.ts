/** The commands about the daemon: `daemon run|validate`. */
import { Option } from "commander";
import { logLevels } from "../log.ts";
import { readDuration } from "../options/option-values.ts";
import { configOption, examples, value, type Definition } from "./shared-options.ts";

export function defineDaemon({ define, finish, io }: Definition): void {
  const shown = examples(["agentcore daemon validate daemon.yaml", "agentcored daemon.yaml"]);
  const daemon = define("daemon", "Run or check a daemon, which starts workflows when events come")
    .usage("COMMAND [options]")
    .addHelpText("after", shown);
  daemon
    .command("run")
    .description("Run a daemon in the foreground, until SIGTERM or Ctrl-C; the same as agentcored FILE")
    .argument("<file>")
    .addOption(configOption())
    .option("--watch", "read the file again when it changes, as SIGHUP does")
    .option(
      "--grace <duration>",
      "how long runs may go on after SIGTERM; then they are interrupted, and the next start resumes them (default: 30s)",
      value(readDuration),
    )
    .addOption(
      new Option("--log-level <level>", "what the log on stderr has").choices(logLevels).default("info"),
    )
    .allowExcessArguments(false)
    .addHelpText("after", examples(["agentcored daemon.yaml", "agentcored daemon.yaml --watch"]) + runText)
    .action(
      finish(async (file: string, options) =>
        (await import("../commands/daemon-run.ts")).runDaemon(file, options, io),
      ),
    );
  daemon
    .command("validate")
    .description("Find every error of a daemon file and of its workflows, without running anything")
    .argument("<file>")
    .option("--json", "one JSON object")
    .allowExcessArguments(false)
    .addHelpText(
      "after",
      `${shown}\nExit codes: 0 the file is valid, 2 it has mistakes. Every environment variable that it expands must be set.\n`,
    )
    .action(
      finish(async (file: string, options) =>
        (await import("../commands/daemon-validate.ts")).validateDaemon(file, options, io),
      ),
    );
}

const runText = `
Signals: SIGHUP reads the file again, and a file with mistakes changes nothing. \
SIGTERM and Ctrl-C take no more events and let runs go on for the grace period; a second one ends it; a third one exits at once.
Exit codes: 0 stopped by a signal, 2 the file has mistakes or another daemon has the state directory, \
6 the state directory could not be used.
`;
