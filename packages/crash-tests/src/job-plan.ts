/**
 * The jobs of a crash test, drawn from its seed: shell scripts and metered fake agents that succeed, fail, flicker, die,
 * hang, or leave processes behind which ignore every signal; some share a key.
 */
import type { Dedup, JobSubmission } from "@agentcore/contract";
import { createFakeAgent, type FakeStep } from "@agentcore/worker-kit/testing";
import type { Draws } from "./draws.ts";
import type { Rig } from "./rig.ts";
import { makeJobDirectory } from "./truth-ledger.ts";

export type PlannedJob = JobSubmission & { readonly id: string };

type ScriptKind = "quick" | "slow" | "failing" | "flickering" | "leaving" | "deaf";
type AgentKind = "paid" | "refused" | "dying" | "leaving";
const scriptKinds = ["quick", "slow", "slow", "slow", "failing", "flickering", "leaving"] as const;
const agentKinds = ["paid", "paid", "paid", "paid", "paid", "refused", "dying", "leaving"] as const;
const deafShare = 0.02;

export function planJob(rig: Rig, id: string, draws: Draws): PlannedJob {
  const workspace = makeJobDirectory(rig.root, id);
  const isDeaf = draws.chance(deafShare);
  const task = isDeaf
    ? deaf(shellTask(rig, workspace, scriptOf("deaf", draws)))
    : draws.chance(0.6)
      ? shellTask(rig, workspace, scriptOf(draws.pick(scriptKinds), draws))
      : agentTask(rig, workspace, stepsOf(draws.pick(agentKinds), draws));
  return {
    id,
    ...drawKey(draws),
    priority: { class: draws.chance(0.2) ? "interactive" : "batch", value: draws.whole(-5, 5) },
    task: { ...task, workspace },
    // A deaf worker is ended by its timeout; the others are done long before, however busy the machine is.
    limits: { maxAttempts: draws.whole(3, 8), timeoutMs: isDeaf ? 1000 : 60_000 },
    retry: {
      baseDelayMs: 20,
      maxDelayMs: 200,
      retryOn: ["task_failed", "worker_crashed", "lost", "network"],
    },
  };
}

/** Four keys of each policy, so that jobs meet. */
function drawKey(draws: Draws): { readonly key?: string; readonly dedup?: Dedup } {
  if (!draws.chance(0.15)) return {};
  const dedup = draws.pick<Dedup>(["coalesce", "latest-wins", "reject"]);
  return { key: `${dedup}-${draws.whole(1, 4)}`, dedup };
}

/** A script whose attempts hold the lock of their job, and note themselves in its ledger. */
export function shellTask(rig: Rig, directory: string, script: string) {
  const stubborn = `trap '' TERM INT HUP QUIT; (exec -a ${rig.token} sleep 3600) & wait`;
  const whole = `export stubborn=${quote(stubborn)}; ${script}`;
  return {
    worker: "shell",
    instructions: `exec ${quote(rig.enter)} ${quote(directory)} bash -c ${quote(whole)}`,
  };
}

/** With everything in it, the lock-taking program too, ignoring what can be ignored. */
export function deaf<Task extends { readonly instructions: string }>(task: Task): Task {
  return { ...task, instructions: `trap '' TERM INT HUP; ${task.instructions}` };
}

/** A metered fake agent under the same lock. */
export function agentTask(rig: Rig, directory: string, steps: readonly FakeStep[]) {
  const agent = createFakeAgent(steps, { directory });
  rig.tags.push(agent.tag);
  return { worker: "metered", instructions: "perform the script", args: [directory, agent.program] };
}

function scriptOf(kind: ScriptKind, draws: Draws): string {
  switch (kind) {
    case "quick":
      return "true";
    case "slow":
      return `sleep ${draws.whole(100, 1500) / 1000}`;
    case "failing":
      return "exit 3";
    case "flickering":
      return `sleep 0.0${draws.whole(1, 9)}; [ "$AGENTCORE_ATTEMPT" -gt 1 ]`;
    case "leaving":
      return `setsid -f bash -c "$stubborn"; setsid -f env -i PATH="$PATH" bash -c "$stubborn"; sleep 0.1`;
    case "deaf":
      return `bash -c "$stubborn"`;
  }
}

function stepsOf(kind: AgentKind, draws: Draws): FakeStep[] {
  const [first, second] = [draws.whole(1, 2000), draws.whole(1, 2000)].map((microUsd) => microUsd / 1e5);
  const paid: FakeStep[] = [
    { do: "ledger", event: "cost", usd: first ?? 0 },
    { do: "wait", ms: draws.whole(0, 800) },
    { do: "ledger", event: "cost", usd: second ?? 0 },
  ];
  const result = (fields: object): FakeStep => ({
    do: "print",
    stream: "stdout",
    lines: [JSON.stringify({ type: "result", costUsd: (first ?? 0) + (second ?? 0), ...fields })],
  });
  switch (kind) {
    case "paid":
      return [...paid, result({ ok: true, summary: "done" })];
    case "refused":
      return [...paid, result({ ok: false, class: "network", summary: "the line broke" })];
    case "dying":
      return [...paid, { do: "die", signal: "SIGKILL" }];
    case "leaving":
      return [
        { do: "ignore_signals" },
        { do: "spawn", how: "daemon", holdOutput: false },
        { do: "spawn", how: "hidden", holdOutput: false },
        ...paid,
        result({ ok: true, summary: "done" }),
      ];
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
