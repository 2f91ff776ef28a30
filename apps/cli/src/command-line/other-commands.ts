/** The commands about this program and this machine: `doctor`, `schema`, `completion`. */
import { examples, stateOption, type Definition } from "./shared-options.ts";

export function defineDoctor({ define, finish, io }: Definition): void {
  stateOption(define("doctor", "Say which workers are here, how well they can be contained, and what to do"))
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["agentcore doctor", "agentcore doctor --json"]))
    .action(finish(async (options) => (await import("../commands/doctor.ts")).doctor(options, io)));
}

export function defineTrust({ define, finish, io }: Definition): void {
  define("trust", "Let a configuration file that was found count, as long as it does not change")
    .argument("[path]", "the file or its directory (default: the agentcore.yaml that is found from here)")
    .option("--list", "list what is trusted")
    .option("--revoke", "trust it no longer")
    .option("--json", "JSON instead of sentences")
    .addHelpText(
      "after",
      examples(["agentcore trust", "agentcore trust --list", "agentcore trust --revoke ~/projects/shop"]) +
        "\nWithout trust, only the limits of a file that was found count. A file named with --config always counts.\n",
    )
    .action(
      finish(async (path: string | undefined, options) =>
        (await import("../commands/trust.ts")).trust(path, options, io),
      ),
    );
}

export function defineSchema({ define, finish, io }: Definition): void {
  define("schema", "Print a JSON Schema")
    .argument("[name]", "config, workflow, agents, job, event or result", "config")
    .addHelpText("after", examples(["agentcore schema > agentcore.schema.json", "agentcore schema result"]))
    .action(finish(async (name: string) => (await import("../commands/schema.ts")).schema(name, io)));
}

export function defineCompletion({ define, finish, io, program }: Definition): void {
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
