/** `agentcore trigger fire|backfill|replay|cancel`: adds events for triggers, and ends what became of them. */
import type { AgentCoreClient } from "@agentcore/client";
import {
  AgentCoreError,
  omitUndefined,
  systemClock,
  type AcceptedDocument,
  type ErrorCode,
  type JsonDocument,
} from "@agentcore/contract";
import { openClient } from "../target/open-client.ts";
import type { TargetOptions } from "../target/target.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { momentAt, type Moment } from "../options/job-filter.ts";
import { readJson } from "../options/json-argument.ts";
import { findId } from "../queue/find-id.ts";
import { isGeneratedId, shortId } from "../screen/short-id.ts";
import { firingStateSpan } from "../screen/trigger-screen.ts";

interface FireOptions extends TargetOptions {
  readonly payload?: string;
}

export async function fireTrigger(trigger: string, options: FireOptions, io: Io): Promise<number> {
  const payload = options.payload === undefined ? undefined : await readJson(options.payload, io);
  const client = await openClient(options, io);
  const { state } = await client.showTrigger(trigger);
  const accepted = await client.fireTrigger(trigger, omitUndefined({ payload }));
  if (state !== "active")
    io.stderr.write(`agentcore: the trigger is ${state}, so the event starts nothing\n`);
  return writeAccepted(accepted, options, io);
}

interface BackfillOptions extends TargetOptions {
  readonly from: Moment;
  readonly to?: Moment;
}

export async function backfillTrigger(trigger: string, options: BackfillOptions, io: Io): Promise<number> {
  const now = systemClock.now();
  const [from, to] = [
    momentAt(options.from, now),
    options.to === undefined ? now : momentAt(options.to, now),
  ];
  if (from >= to) throw new AgentCoreError("AC_USAGE", "--from is not before --to");
  const client = await openClient(options, io);
  const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  return writeAccepted(await client.backfillTrigger(trigger, range), options, io);
}

interface ReplayOptions extends TargetOptions {
  readonly trigger?: string;
}

export async function replayEvent(event: string, options: ReplayOptions, io: Io): Promise<number> {
  const client = await openClient(options, io);
  const id = await findRecent(event, "event", client);
  const { trigger } = options;
  return writeAccepted(await client.replayEvent(id, omitUndefined({ trigger })), options, io);
}

interface CancelOptions extends TargetOptions {
  readonly reason?: string;
}

export async function cancelFiring(firing: string, options: CancelOptions, io: Io): Promise<number> {
  const client = await openClient(options, io);
  const id = await findRecent(firing, "firing", client);
  const { reason = "cancelled with `agentcore trigger cancel`" } = options;
  const cancelled = await client.cancelFiring(id, { reason });
  if (options.json === true) io.stdout.json(cancelled);
  else if (cancelled.state === "running")
    io.stdout.write(
      `${shortId(id)}  cancellation requested; follow it with agentcore trigger show ${cancelled.trigger}\n`,
    );
  else io.stdout.write(`${shortId(id)}  ${firingStateSpan(cancelled).text}\n`);
  return exitCodes.succeeded;
}

/** The whole ids of new events, one a line, for scripts. */
export function writeAccepted(
  accepted: JsonDocument<AcceptedDocument>,
  { json }: Pick<TargetOptions, "json">,
  { stdout, stderr }: Pick<Io, "stdout" | "stderr">,
): number {
  const { events, duplicates } = accepted;
  if (json === true) stdout.json(accepted);
  else {
    for (const id of events) stdout.write(`${id}\n`);
    if (duplicates > 0)
      stderr.write(
        `agentcore: ${duplicates === 1 ? "1 event was" : `${duplicates} events were`} accepted before\n`,
      );
    else if (events.length === 0) stderr.write("agentcore: no slots are in that time\n");
  }
  return exitCodes.succeeded;
}

const recentMax = 1000;
const notFound = { event: "AC_EVENT_NOT_FOUND", firing: "AC_FIRING_NOT_FOUND" } as const satisfies Record<
  string,
  ErrorCode
>;

/** By its id; by a part of it or as `@last` among the latest firings. */
async function findRecent(text: string, what: "event" | "firing", client: AgentCoreClient): Promise<string> {
  if (isGeneratedId(text)) return text;
  const { items } = await client.listFirings({ limit: recentMax });
  const ids = [...new Set(items.map(({ id, event }) => (what === "event" ? event : id)))];
  const found = await findId(text, {
    what,
    exact: async () => ids.find((id) => id === text),
    beginning: async () => ids.filter((id) => id.startsWith(text)),
    ending: async () => ids.filter((id) => id.endsWith(text)),
    newest: async () => ids[0],
    recent: async () => ids,
  });
  if ("id" in found) return found.id;
  const more = items.length < recentMax ? "" : `; an older ${what} is found by its whole id`;
  throw new AgentCoreError(notFound[what], `${found.problem}${more}`, { evidence: { [what]: text } });
}
