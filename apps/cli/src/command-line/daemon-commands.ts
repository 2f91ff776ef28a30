/** The commands about the daemon: `daemon validate`. */
import { examples, type Definition } from "./shared-options.ts";

export function defineDaemon({ define, finish, io }: Definition): void {
  const shown = examples(["agentcore daemon validate daemon.yaml"]);
  const daemon = define("daemon", "Check the file of a daemon, which starts workflows when events come")
    .usage("COMMAND [options]")
    .addHelpText("after", shown);
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
