/** Whether the daemon takes new work: what it depends on answers, and it is not ending. */
import type { DaemonPort } from "@agentcore/api";
import { errorText } from "@agentcore/contract";
import type { TriggerEngine } from "@agentcore/triggers";

export type Readiness = Awaited<ReturnType<DaemonPort["readiness"]>>;

/** `stats` and `load`: what the store and the runtime were asked for. */
export async function readinessOf(
  { state: { isDraining } }: Pick<TriggerEngine, "state">,
  { stats, load }: { readonly stats: Promise<unknown>; readonly load: Promise<unknown> },
): Promise<Readiness> {
  const checks = await Promise.all([check("store", stats), check("runtime", load)]);
  const ready = !isDraining && checks.every(({ ok }) => ok);
  return { ready, state: isDraining ? "draining" : "ready", checks };
}

async function check(name: string, answer: Promise<unknown>): Promise<Readiness["checks"][number]> {
  try {
    await answer;
    return { name, ok: true, detail: "" };
  } catch (error) {
    return { name, ok: false, detail: errorText(error) };
  }
}
