/** `agentcore trigger list|show|pause|resume`: shows and pauses the triggers of a daemon. */
import { omitUndefined, systemClock } from "@agentcore/contract";
import { openClient } from "../target/open-client.ts";
import type { TargetOptions } from "../target/target.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { span } from "../screen/line.ts";
import { plainScreen } from "../screen/terminal.ts";
import { firingTable, triggerLines, triggerTable } from "../screen/trigger-screen.ts";

export async function listTriggers(options: TargetOptions, io: Io): Promise<number> {
  const { items } = await (await openClient(options, io)).listTriggers();
  if (options.json === true) for (const trigger of items) io.stdout.json(trigger);
  else if (items.length === 0) plainScreen(io.stdout).print([[span("No triggers.", "dim")]]);
  else plainScreen(io.stdout).print(triggerTable(items, systemClock.now()));
  return exitCodes.succeeded;
}

interface ShowOptions extends TargetOptions {
  /** Of firings. */
  readonly limit?: number;
}

const firingsDefault = 10;

/** The trigger, and its latest firings with their events and runs. */
export async function showTrigger(id: string, options: ShowOptions, io: Io): Promise<number> {
  const client = await openClient(options, io);
  const trigger = await client.showTrigger(id);
  const { items, next } = await client.listTriggerFirings(id, { limit: options.limit ?? firingsDefault });
  if (options.json === true) {
    for (const document of [trigger, ...items]) io.stdout.json(document);
    return exitCodes.succeeded;
  }
  const now = systemClock.now();
  const screen = plainScreen(io.stdout);
  screen.print(triggerLines(trigger, now));
  if (items.length > 0) screen.print([[], ...firingTable(items, now)]);
  if (next !== null) screen.print([[span("More with --limit", "dim")]]);
  return exitCodes.succeeded;
}

interface PauseOptions extends TargetOptions {
  readonly note?: string;
}

export async function pauseTrigger(id: string, options: PauseOptions, io: Io): Promise<number> {
  const client = await openClient(options, io);
  const trigger = await client.pauseTrigger(id, omitUndefined({ note: options.note }));
  if (options.json === true) io.stdout.json(trigger);
  else io.stdout.write(`${id}  paused: its events are skipped until agentcore trigger resume ${id}\n`);
  return exitCodes.succeeded;
}

export async function resumeTrigger(id: string, options: TargetOptions, io: Io): Promise<number> {
  const trigger = await (await openClient(options, io)).resumeTrigger(id);
  if (options.json === true) io.stdout.json(trigger);
  else
    io.stdout.write(`${id}  ${trigger.state}${trigger.state === "disabled" ? " by the daemon file" : ""}\n`);
  return exitCodes.succeeded;
}
