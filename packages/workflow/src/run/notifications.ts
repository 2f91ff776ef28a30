/**
 * Tells others of a run, as its file asks: a script as a job of the run, or a POST. What is sent is journaled first, and the run
 * ends only after it, so that a resume sends nothing twice. A notification that fails never changes the run. The run of a
 * sub-workflow tells what the file of the outermost run asks for its approvals, in the name of that run: it journals the
 * notification itself, with the question.
 */
import { errorText, sleep } from "@agentcore/contract";
import { runLabel } from "@agentcore/scheduler";
import { join } from "node:path";
import type { NotifyEvent, NotifyRule } from "../definition.ts";
import { replaceFile } from "../own-place.ts";
import { stepReport } from "../records/record-files.ts";
import { factsOf, knownCost, type RunRecord } from "../records/run-record.ts";
import type { RunEntry, RunNotificationEntry } from "../records/entry-types.ts";
import { isBudgetCode } from "../steps/job-outcome.ts";
import type { StepContext } from "../steps/step-context.ts";
import { isSubmitted } from "../steps/submit-job.ts";
import { valueVariables } from "../value-variables.ts";
import { notifyScript, notifyUrl } from "./notify-texts.ts";

/** Sends the document with POST. Resolves with the HTTP status. */
export type Post = (url: string, body: string, signal: AbortSignal) => Promise<number>;

const commandMs = 60_000;
const postMs = 10_000;
const posts = 3;

/** The planner's entries with the notifications that go with them; the end of the run waits for these. */
export function withNotifications(
  entries: readonly RunEntry[],
  notify: readonly NotifyRule[],
  { notifications, state, facts }: RunRecord,
  next: { readonly now: number; readonly id: () => string },
): readonly RunEntry[] {
  if (notify.length === 0) return entries;
  const begin = (event: NotifyEvent, suffix = "", step?: string): readonly RunNotificationEntry[] =>
    notify.flatMap((rule, index): RunNotificationEntry[] => {
      const key = `${index}-${event}${suffix}`;
      if (!rule.on.includes(event) || notifications.has(key)) return [];
      const about = step === undefined ? {} : { step };
      return [
        {
          type: "notification",
          at: next.now,
          key,
          begins: { event, rule: index, jobId: next.id(), ...about },
        },
      ];
    });
  const end = entries.find((entry) => entry.type === "event" && entry.event.type === "run_ended");
  if (end?.type === "event" && end.event.type === "run_ended") {
    const code = state.stop?.code ?? facts.get(state.stop?.step ?? "")?.code ?? null;
    const due = [...begin(eventOf(end.event.outcome)), ...(isBudgetCode(code) ? begin("budget") : [])];
    if (due.length > 0) return due;
    return [...notifications.values()].some(({ ended }) => ended === null) ? [] : entries;
  }
  const asked = entries.flatMap((entry) =>
    entry.type === "event" && entry.event.type === "step" && entry.event.event.type === "approval_asked"
      ? begin("approval", `-${entry.event.event.waitId}`, entry.event.step)
      : [],
  );
  return [...entries, ...asked];
}

/** The rules of the notifications that the run sends. Its end is no event if it is that of a sub-workflow. */
export function rulesFor({ workflow, outermost }: StepContext): readonly NotifyRule[] {
  if (outermost === null) return workflow.notify;
  const { notify } = outermost.context.workflow;
  return notify.map((rule) => ({ ...rule, on: rule.on.filter((event) => event === "approval") }));
}

function eventOf(outcome: "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "CANCELLED"): NotifyEvent {
  if (outcome === "SUCCEEDED") return "succeeded";
  return outcome === "CANCELLED" ? "cancelled" : "failed";
}

type Begins = NonNullable<RunNotificationEntry["begins"]>;

export interface Sending {
  readonly key: string;
  readonly begins: Begins;
  /** Whether an earlier process began it. */
  readonly resumed: boolean;
  readonly post: Post | null;
  readonly signal: AbortSignal;
}

/** Returns the entry that ends it. Rejects only if the run cannot go on. */
export async function sendNotification(own: StepContext, sending: Sending): Promise<RunNotificationEntry> {
  const { key, begins } = sending;
  const context = own.outermost?.context ?? own;
  const problem = await problemOf(context, { ...sending, approval: approvalOf(own, begins) });
  const shown = problem === null ? null : context.masker.value(problem);
  if (shown !== null)
    context.ports.log.warn({ event: begins.event, problem: shown }, "a notification failed");
  return { type: "notification", at: context.ports.clock.now(), key, ended: { problem: shown } };
}

/** `step`: its path from the outermost run, as a command that answers has it. */
interface AskedApproval {
  readonly step: string;
  readonly message: string;
  readonly who: readonly string[];
}

interface FullSending extends Sending {
  /** For the event `approval`. */
  readonly approval: AskedApproval | null;
}

function approvalOf({ record, outermost }: StepContext, { step }: Begins): AskedApproval | null {
  const approval = step === undefined ? null : factsOf(record(), step).approval;
  if (approval === null) return null;
  return { step: `${outermost?.path ?? ""}${step}`, message: approval.message, who: approval.who };
}

async function problemOf(context: StepContext, sending: FullSending): Promise<string | null> {
  const rule = context.workflow.notify[sending.begins.rule];
  if (rule === undefined) return "the file has no such notification";
  try {
    const body = `${JSON.stringify(documentOf(context, sending), null, 2)}\n`;
    const file = join(context.record().created.contextDir, "_notify", `${sending.key}.json`);
    await replaceFile(file, body);
    return rule.webhook === null
      ? await runCommand(context, sending, rule, file)
      : await postAll(context, sending, rule, body);
  } catch (error) {
    return errorText(error);
  }
}

/** What the receiver gets. */
function documentOf({ runId, record, instances }: StepContext, { begins, approval }: FullSending): object {
  const { event } = begins;
  const now = record();
  const { created, state, spent } = now;
  const all = instances.all().map((instance) => stepReport(now, instance));
  return {
    v: 1,
    event,
    run: runId,
    name: created.name,
    state: stateOf(now, event),
    reason: state.stop?.message ?? null,
    file: created.file,
    workspace: created.workspace,
    startedAt: new Date(created.at).toISOString(),
    costUsd: knownCost(now),
    tokens: spent.tokens,
    approval,
    steps: all.map(({ id, status, reason }) => ({ id, status, reason })),
  };
}

function stateOf({ state }: RunRecord, event: NotifyEvent): string {
  return event === "approval" ? "WAITING" : (state.stop?.outcome ?? "SUCCEEDED");
}

async function runCommand(
  context: StepContext,
  { begins, signal }: Sending,
  { command, secrets }: NotifyRule,
  file: string,
): Promise<string | null> {
  const { ports, record, runId } = context;
  const { created } = record();
  const { script, env } = notifyScript(command ?? "", created.inputs);
  const known = await isSubmitted(ports, begins.jobId);
  const handle = known
    ? await ports.scheduler.attach(begins.jobId)
    : await ports.scheduler.submit({
        id: begins.jobId,
        task: {
          worker: "shell",
          workspace: created.workspace,
          instructions: script,
          capabilities: ["run_commands"],
          env: {
            ...env,
            ...valueVariables(created.inputs, new Map()),
            AGENTCORE_WORKFLOW_ID: runId,
            AGENTCORE_RUN_STATE: stateOf(record(), begins.event),
            AGENTCORE_EVENT: begins.event,
            AGENTCORE_EVENT_FILE: file,
          },
          ...(secrets.length === 0 ? {} : { secrets: [...secrets] }),
        },
        limits: { timeoutMs: commandMs, maxAttempts: 1 },
        context: { labels: labelsOf(created.name, runId) },
      });
  const cancel = (): void => void handle.cancel({ reason: "the run was stopped" }).catch(() => {});
  signal.addEventListener("abort", cancel);
  if (signal.aborted) cancel();
  const { state, reason, result } = await handle
    .result()
    .finally(() => signal.removeEventListener("abort", cancel));
  if (state === "succeeded") return null;
  return `its command ${state === "cancelled" ? "was stopped" : "failed"}: ${reason?.message ?? result?.summary ?? ""}`;
}

function labelsOf(workflow: string, runId: string): Record<string, string> {
  return {
    workflow,
    [runLabel]: runId,
    "workflow.step": "notify",
    "workflow.piece": "notify",
    "workflow.iteration": "1",
  };
}

async function postAll(
  { record, settings, ports }: StepContext,
  { post, resumed, signal }: Sending,
  { webhook }: NotifyRule,
  body: string,
): Promise<string | null> {
  if (post === null) return "this program sends no webhooks";
  // It may have arrived, and would arrive twice.
  if (resumed) return "the process ended while it was sent; it is not sent again";
  const url = notifyUrl(webhook ?? "", record().created.inputs, settings.secretValue);
  let problem = "";
  for (let tries = 1; tries <= posts && !signal.aborted; tries++) {
    if (tries > 1) await sleep(ports.clock, 1000 * (tries - 1), signal);
    try {
      const status = await post(url, body, AbortSignal.any([signal, AbortSignal.timeout(postMs)]));
      if (status >= 200 && status < 300) return null;
      problem = `its webhook answered ${status}`;
    } catch (error) {
      problem = `its webhook could not be reached: ${errorText(error)}`;
    }
  }
  return problem || "it was stopped with the run";
}
