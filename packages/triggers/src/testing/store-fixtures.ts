/** What the conformance suites need from a store, and short ways to fill one. */
import { systemIds } from "@agentcore/contract";
import { newTriggerState } from "../decide/initial-state.ts";
import type { Firing, FiringState } from "../firing.ts";
import type { TriggerEvent } from "../trigger-event.ts";
import type { TriggerState } from "../trigger-state.ts";
import type { TokenStore, TriggerStore } from "../trigger-store.ts";
import { testEvent } from "./events.ts";

export interface TriggerStoreHarness {
  /** Creates a new, empty store, and is called once. */
  open(): Promise<TriggerStore>;
}

/** A harness whose store can be shared by several connections, as by several processes. */
export interface SharedTriggerStoreHarness extends TriggerStoreHarness {
  /** Another connection to the data of a store that `open` made. */
  connect(to: TriggerStore): Promise<TriggerStore>;
}

export interface TokenStoreHarness {
  /** Creates a new, empty store, and is called once. */
  open(): Promise<TokenStore>;
}

export interface StoreCase<H> {
  /** A sentence about the store. */
  readonly name: string;
  /** Rejects if the store does not conform. */
  readonly run: (harness: H) => Promise<void>;
}

export type TriggerStoreCase = StoreCase<TriggerStoreHarness>;

export const triggerStoreCase = (
  name: string,
  check: (store: TriggerStore) => Promise<void>,
): TriggerStoreCase => ({ name, run: async (harness) => check(await harness.open()) });

export const waiting: Extract<FiringState, { readonly kind: "waiting" }> = {
  kind: "waiting",
  notBefore: 0,
  attempt: 1,
};

export const running = (run: string, attempt = 1): FiringState => ({
  kind: "running",
  run,
  startedAt: 1_100,
  attempt,
  cancel: null,
});

export const ended = (run: string, endedAt = 2_000): FiringState => ({
  kind: "ended",
  run,
  outcome: "SUCCEEDED",
  message: null,
  startedAt: 1_100,
  endedAt,
  attempt: 1,
  costUsd: 0.25,
  tokens: 1_000,
});

export const skipped = (code: "filter" | "overlap", endedAt = 2_000): FiringState => ({
  kind: "skipped",
  reason: { code, text: "for a reason" },
  endedAt,
});

export const firingOf = (event: TriggerEvent, change: Partial<Firing> = {}): Firing => ({
  id: systemIds.next(),
  trigger: "trigger",
  event: event.id,
  at: event.at,
  key: null,
  state: waiting,
  ...change,
});

export const triggerState = (id: string, change: Partial<TriggerState> = {}): TriggerState => ({
  ...newTriggerState(id),
  ...change,
});

/** Accepts new events, one for each change. */
export async function acceptEvents(
  store: TriggerStore,
  ...changes: readonly Partial<TriggerEvent>[]
): Promise<TriggerEvent[]> {
  const events = changes.map((change) => testEvent(change));
  await store.accept({ events });
  return events;
}

/** Accepts a routed event with one firing of this state. */
export async function addFiring(
  store: TriggerStore,
  state: FiringState,
  change: Partial<Firing> = {},
): Promise<Firing> {
  const [event] = await acceptEvents(store, {});
  const firing = firingOf(event!, { state, ...change });
  await store.commit({ routed: [event!.id], firings: [firing] });
  return firing;
}

export const idsOf = (found: readonly { readonly id: string }[]): string[] => found.map(({ id }) => id);

export const firingsOf = (found: readonly { readonly firing: Firing }[]): Firing[] =>
  found.map(({ firing }) => firing);
