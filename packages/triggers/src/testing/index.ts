/**
 * Plain data for tests, and the conformance suites of the ports `TriggerStore` and `TokenStore`. They need no test framework: run
 * each case as a test.
 *
 * ```ts
 * it.each(triggerStoreConformance)("$name", ({ run }) => run({ open: async () => openMyStore() }));
 * ```
 */
import { acceptCases } from "./accept-cases.ts";
import { commitCases } from "./commit-cases.ts";
import { historyCases } from "./history-cases.ts";
import { sharedTriggerCases } from "./shared-trigger-cases.ts";
import type {
  SharedTriggerStoreHarness,
  StoreCase,
  TokenStoreHarness,
  TriggerStoreCase,
} from "./store-fixtures.ts";
import { tokenCases } from "./token-cases.ts";

export { testDefinition, testTrigger } from "./definitions.ts";
export { testEvent } from "./events.ts";
export {
  acceptEvents,
  addFiring,
  ended,
  firingOf,
  running,
  skipped,
  triggerState,
  waiting,
  type SharedTriggerStoreHarness,
  type StoreCase,
  type TokenStoreHarness,
  type TriggerStoreHarness,
} from "./store-fixtures.ts";
export { testToken } from "./token-cases.ts";

/** The requirements for every trigger store. */
export const triggerStoreConformance: readonly TriggerStoreCase[] = [
  ...acceptCases,
  ...commitCases,
  ...historyCases,
];

/** The additional requirements for a trigger store that several connections can share. */
export const sharedTriggerStoreConformance: readonly StoreCase<SharedTriggerStoreHarness>[] =
  sharedTriggerCases;

/** The requirements for every token store. */
export const tokenStoreConformance: readonly StoreCase<TokenStoreHarness>[] = tokenCases;
