/** What a run means for the pause and the breaker of its provider: at its end, and when the provider refuses it meanwhile. */
import type { ProviderRefusal } from "../spend/spend-gate.ts";
import type { PermitEnd } from "./gate.ts";
import type { LivePermit } from "./permit.ts";
import type { ProviderTarget, Targets } from "./targets.ts";

export function endAtProvider(
  provider: ProviderTarget,
  permit: LivePermit,
  end: PermitEnd,
  nowMs: number,
): void {
  const { pause, breaker } = provider;
  if (end.refusal !== null) pause.refused(nowMs, permit.holds.issuedAtMs, end.refusal.retryAfterMs);
  pause.leave();
  if (end.providerHealth === "success") pause.succeeded();
  const entry = permit.holds.providerEntry;
  if (entry !== null) breaker.leave(entry, end.providerHealth, nowMs);
}

/**
 * Pauses the provider's target of a run that goes on, and that of the refused model if other permits name it. `isFailure`: the
 * provider's breaker counts it; at most once for each run.
 */
export function refusedDuringRun(
  targets: Targets,
  permit: LivePermit,
  { provider, model, retryAfterMs, isFailure }: ProviderRefusal & { readonly isFailure: boolean },
  nowMs: number,
): void {
  const { chain, issuedAtMs, providerEntry } = permit.holds;
  const named = model === null ? null : targets.knownProvider(provider, model);
  for (const target of new Set([chain.provider, named]))
    target?.pause.refused(nowMs, issuedAtMs, retryAfterMs);
  if (isFailure && providerEntry !== null) chain.provider?.breaker.leave(providerEntry, "failure", nowMs);
}
