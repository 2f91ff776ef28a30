/**
 * The conformance suite of the `JobStore` port. It needs no test framework: run each case of it as a test.
 *
 * ```ts
 * it.each(jobStoreConformance)("$name", ({ run }) => run({ open: async () => openMyStore(), journalOf }));
 * ```
 */
import { appendAndSubmitCases } from "./append-and-submit-cases.ts";
import { claimCases } from "./claim-cases.ts";
import { pieceCases } from "./piece-cases.ts";
import type { ConformanceCase, SharedStoreHarness } from "./fixtures.ts";
import { journalCases } from "./journal-cases.ts";
import { ownerCases } from "./owner-cases.ts";
import { settleCases } from "./settle-cases.ts";
import { runNowCases } from "./run-now-cases.ts";
import { sharedCases } from "./shared-cases.ts";
import { submitCases } from "./submit-cases.ts";

export type { ConformanceCase, SharedStoreHarness, StoreHarness } from "./fixtures.ts";
export {
  byJobDedup,
  claimAs,
  claimRequest,
  die,
  idsOf,
  retry,
  settleOne,
  startAt,
  submitJobs,
  succeed,
  testJob,
  testOwner,
  testPermit,
  testResult,
  testSubmission,
} from "./fixtures.ts";

export {
  cancelledResult,
  createFakeRuntime,
  takeTime,
  type FakeExecution,
  type FakeRuntime,
  type FakeRuntimeOptions,
} from "./fake-runtime.ts";
export { actsLikeMemoryStore } from "./memory-model.ts";
export { journalConformance, type JournalCase } from "./journal-conformance.ts";
export { createSeverable, type Severable, type SeverableOptions, type StoreCall } from "./severable.ts";
export { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

export type { WireProcessBehavior } from "./wire-process.ts";

/** The requirements for every store. */
export const jobStoreConformance: readonly ConformanceCase[] = [
  ...submitCases,
  ...appendAndSubmitCases,
  ...claimCases,
  ...pieceCases,
  ...runNowCases,
  ...settleCases,
  ...ownerCases,
  ...journalCases,
];

/** The additional requirements for a store that several connections can share. */
export const sharedJobStoreConformance: readonly ConformanceCase<SharedStoreHarness>[] = sharedCases;
