/** The commands that ask a running daemon, `top`, `trigger` and `emit`, and those for the tokens of its API. */
import { Option, type Command } from "commander";
import { readMoment } from "../options/job-filter.ts";
import { readCount, readDuration } from "../options/option-values.ts";
import { examples, stateCommand, urlOption, value, type Define, type Definition } from "./shared-options.ts";

/** A command that asks a daemon. */
const daemonCommand = (define: Define, name: string, description: string): Command =>
  urlOption(stateCommand(define, name, description), "the one that runs on the state directory");

/** After the examples of a command. */
const shown = (lines: readonly string[], text = ""): string => `${examples(lines)}${text}`;

export function defineTop({ define, finish, io }: Definition): void {
  daemonCommand(define, "top", "Show live what a daemon does: what runs, what waits, and what needs a person")
    .option("--once", "print the screen once, as it is done in a pipe")
    .addHelpText(
      "after",
      shown(
        ["agentcore top", "agentcore top --once", "agentcore top --url https://ci.example.com"],
        "\nKeys: q ends, p stops and goes on with updates. --json prints the overview once, as one JSON object.\n",
      ),
    )
    .action(finish(async (options) => (await import("../commands/top.ts")).top(options, io)));
}

export function defineTrigger(definition: Definition): void {
  const top = definition.define("trigger", "Show, pause and fire the triggers of a daemon");
  const define: Define = (name, description) =>
    top.command(name).description(description).allowExcessArguments(false);
  defineStates(define, definition);
  defineFirings(define, definition);
}

function defineStates(define: Define, { finish, io }: Definition): void {
  daemonCommand(define, "list", "List the triggers, in the order of the daemon file")
    .addHelpText(
      "after",
      shown(["agentcore trigger list", "agentcore trigger list --url https://ci.example.com"]),
    )
    .action(finish(async (options) => (await import("../commands/trigger.ts")).listTriggers(options, io)));
  daemonCommand(define, "show", "Show a trigger and its latest firings, with their events and runs")
    .argument("<trigger>", "id of the trigger")
    .option("--limit <count>", "at most so many firings, up to 1000 (default: 10)", value(readCount))
    .addHelpText(
      "after",
      shown(["agentcore trigger show nightly", "agentcore trigger show nightly --limit 100 --json"]),
    )
    .action(
      finish(async (trigger: string, options) =>
        (await import("../commands/trigger.ts")).showTrigger(trigger, options, io),
      ),
    );
  daemonCommand(define, "pause", "Pause a trigger: its events are skipped, with this reason")
    .argument("<trigger>", "id of the trigger")
    .option("--note <text>", "why; every view shows it")
    .addHelpText("after", shown(['agentcore trigger pause nightly --note "the disk is being replaced"']))
    .action(
      finish(async (trigger: string, options) =>
        (await import("../commands/trigger.ts")).pauseTrigger(trigger, options, io),
      ),
    );
  daemonCommand(define, "resume", "End the pause of a trigger")
    .argument("<trigger>", "id of the trigger")
    .addHelpText("after", shown(["agentcore trigger resume nightly"]))
    .action(
      finish(async (trigger: string, options) =>
        (await import("../commands/trigger.ts")).resumeTrigger(trigger, options, io),
      ),
    );
}

function defineFirings(define: Define, { finish, io }: Definition): void {
  daemonCommand(define, "fire", "Fire a trigger now, with an event of its own, and print the id of the event")
    .argument("<trigger>", "id of the trigger")
    .option("--payload <json>", "payload of the event, or - to read stdin (default: {})")
    .addHelpText(
      "after",
      shown(["agentcore trigger fire nightly", `agentcore trigger fire review --payload '{"pr": 7}'`]),
    )
    .action(
      finish(async (trigger: string, options) =>
        (await import("../commands/trigger-events.ts")).fireTrigger(trigger, options, io),
      ),
    );
  daemonCommand(define, "backfill", "Fire a trigger for the slots of its schedule in a time that has passed")
    .argument("<trigger>", "id of the trigger")
    .requiredOption(
      "--from <time>",
      "first moment: a time such as 2026-05-01T12:00Z, or an age such as 7d",
      value(readMoment),
    )
    .option("--to <time>", "end, which is not included (default: now)", value(readMoment))
    .addHelpText(
      "after",
      shown(
        [
          "agentcore trigger backfill nightly --from 7d",
          "agentcore trigger backfill nightly --from 2026-11-01 --to 2026-11-08",
        ],
        "\nA slot is filled once, however often it is asked for. Times without a time zone are UTC.\n",
      ),
    )
    .action(
      finish(async (trigger: string, options) =>
        (await import("../commands/trigger-events.ts")).backfillTrigger(trigger, options, io),
      ),
    );
  daemonCommand(define, "replay", "Repeat an event, and print the id of the new one; the original stays")
    .argument("<event>", "event to repeat: id, short id from `trigger show`, or @last")
    .option("--trigger <id>", "fire only this trigger (default: all triggers of its source)")
    .addHelpText(
      "after",
      shown(["agentcore trigger replay 2727b1d1", "agentcore trigger replay @last --trigger nightly"]),
    )
    .action(
      finish(async (event: string, options) =>
        (await import("../commands/trigger-events.ts")).replayEvent(event, options, io),
      ),
    );
  daemonCommand(define, "cancel", "Skip a firing that waits, or cancel its run")
    .argument("<firing>", "firing to cancel: id, short id from `trigger show`, or @last")
    .option("--reason <text>", "why; it is recorded")
    .addHelpText("after", shown(["agentcore trigger cancel 5c0f3a77"]))
    .action(
      finish(async (firing: string, options) =>
        (await import("../commands/trigger-events.ts")).cancelFiring(firing, options, io),
      ),
    );
}

export function defineEmit({ define, finish, io }: Definition): void {
  daemonCommand(define, "emit", "Send an event to a topic of a daemon, and print its id once it is durable")
    .argument("<topic>", "topic of an event with `type: queue` in the daemon file")
    .argument("<json>", "payload of the event, or - to read stdin")
    .option("--key <key>", "no second event of the topic with this key is kept")
    .addHelpText(
      "after",
      shown(
        [
          `agentcore emit deploys '{"service": "api", "version": "1.4.2"}' --key api-1.4.2`,
          "agentcore emit reports - < report.json",
        ],
        "\nIn a run that a trigger started, the event carries the chain of runs, so that triggers that start each other end.\n",
      ),
    )
    .action(
      finish(async (topic: string, json: string, options) =>
        (await import("../commands/emit.ts")).emit(topic, json, options, io),
      ),
    );
}

export function defineToken({ define: defineTop, finish, io }: Definition): void {
  const top = defineTop("token", "Create, list and revoke tokens of the daemon's API");
  const define: Define = (name, description) =>
    top.command(name).description(description).allowExcessArguments(false);
  stateCommand(define, "create", "Create a token and print its text, which is shown only this once")
    .argument("<name>", "what it is for")
    .addOption(
      new Option("--scope <scope>", "read, or operate, which may change things, too")
        .choices(["read", "operate"])
        .default("read"),
    )
    .option(
      "--expires <duration>",
      "how long it is valid, such as 30d (default: until it is revoked)",
      value(readDuration),
    )
    .addHelpText(
      "after",
      examples([
        "agentcore token create grafana",
        "export AGENTCORE_TOKEN=$(agentcore token create ci --scope operate --expires 30d)",
      ]),
    )
    .action(
      finish(async (name: string, options) =>
        (await import("../commands/token.ts")).newToken(name, options, io),
      ),
    );
  stateCommand(define, "list", "List the tokens, without their texts")
    .addHelpText("after", examples(["agentcore token list"]))
    .action(finish(async (options) => (await import("../commands/token.ts")).listTokens(options, io)));
  stateCommand(define, "revoke", "Revoke a token: a running daemon refuses it from the next request on")
    .argument("<token>", "token to revoke: id, short id from the list, or @last")
    .addHelpText("after", examples(["agentcore token revoke 5c0f3a77"]))
    .action(
      finish(async (token: string, options) =>
        (await import("../commands/token.ts")).revokeToken(token, options, io),
      ),
    );
}
