/** The commands about this program and this machine: `doctor`, `backup`, `schema`, `adapter`, `completion`. */
import { examples, stateOption, type Definition } from "./shared-options.ts";

export function defineDoctor({ define, finish, io }: Definition): void {
  stateOption(define("doctor", "Check workers, containment and configuration, and say what to do"))
    .option("-v, --verbose", "say how each finding was found out")
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["agentcore doctor", "agentcore doctor --json"]))
    .action(finish(async (options) => (await import("../commands/doctor.ts")).doctor(options, io)));
}

export function defineBackup({ define, finish, io }: Definition): void {
  stateOption(define("backup", "Copy the database of the state directory, even while a daemon works with it"))
    .argument("<dir>", "directory for the copy, state.db; it must not have one yet")
    .option("--json", "one JSON object")
    .addHelpText(
      "after",
      examples([
        "agentcore backup /var/backups/agentcore/monday",
        "agentcore backup copy --state-dir /srv/shop/.daemon-state",
      ]) +
        "\nThe copy has jobs, workflow runs, events, triggers and budgets, as they were at one moment. Logs and artifacts are files in attempts/.\n",
    )
    .action(
      finish(async (directory: string, options) =>
        (await import("../commands/backup.ts")).backup(directory, options, io),
      ),
    );
}

export function defineTrust({ define, finish, io }: Definition): void {
  define("trust", "Trust a configuration file that was found, until it changes")
    .argument("[path]", "the file or its directory (default: the nearest agentcore.yaml)")
    .option("--list", "list the trusted files")
    .option("--revoke", "stop trusting the file")
    .option("--json", "print JSON instead of text")
    .addHelpText(
      "after",
      examples(["agentcore trust", "agentcore trust --list", "agentcore trust --revoke ~/projects/shop"]) +
        "\nWithout trust, only the limits in a file that was found take effect. A file named with --config always takes full effect.\n",
    )
    .action(
      finish(async (path: string | undefined, options) =>
        (await import("../commands/trust.ts")).trust(path, options, io),
      ),
    );
}

export function defineSchema({ define, finish, io }: Definition): void {
  define("schema", "Print a JSON Schema")
    .argument(
      "[name]",
      "config, workflow, agents, daemon, job, output (every line of --json), event or result",
      "config",
    )
    .addHelpText("after", examples(["agentcore schema > agentcore.schema.json", "agentcore schema result"]))
    .action(finish(async (name: string) => (await import("../commands/schema.ts")).schema(name, io)));
}

export function defineAdapter({ define, finish, io }: Definition): void {
  const shown = examples(["agentcore adapter new mine", "agentcore adapter new mine packages/adapter-mine"]);
  const adapter = define("adapter", "Write an adapter for a worker of your own")
    .usage("COMMAND [options]")
    .addHelpText("after", shown);
  adapter
    .command("new")
    .description("Write a package with an adapter that works and passes its tests")
    .argument("<name>", "name of the worker: lower-case letters, digits and -")
    .argument("[directory]", "a directory that does not exist, or is empty (default: agentcore-adapter-NAME)")
    .option("--json", "print JSON instead of text")
    .allowExcessArguments(false)
    .addHelpText("after", shown)
    .action(
      finish(async (name: string, directory: string | undefined, options) =>
        (await import("../commands/adapter-new.ts")).newAdapter(name, directory, options, io),
      ),
    );
}

export function defineCompletion({ define, finish, io, program }: Definition): void {
  program
    .command("__complete", { hidden: true })
    .argument("<what>")
    .action(
      finish(async (what: string) => (await import("../commands/complete-words.ts")).completeWords(what, io)),
    );
  define("completion", "Print a completion script for a shell")
    .argument("<shell>", "bash, zsh or fish")
    .addHelpText(
      "after",
      examples([
        "agentcore completion bash > ~/.local/share/bash-completion/completions/agentcore",
        "agentcore completion fish > ~/.config/fish/completions/agentcore.fish",
      ]),
    )
    .action(
      finish(async (shell: string) =>
        (await import("../commands/completion.ts")).completion(shell, program, io),
      ),
    );
}
