/** For stores: which answers of a write say that jobs changed, and so that listeners have to be told (see `JobStore.onChange`). */
import type { JobStore, SubmitResult } from "../job-store.ts";

type Answer<Method extends keyof JobStore> = Awaited<ReturnType<JobStore[Method]>>;

const someAccepted = (answer: readonly SubmitResult[]): boolean =>
  answer.some(({ kind }) => kind === "accepted");
const isNotEmpty = (answer: readonly unknown[]): boolean => answer.length > 0;

/** By the method of the port. A write of any other method changes no job. */
export const changesJobs = {
  submit: someAccepted,
  appendAndSubmit: (answer: Answer<"appendAndSubmit">): boolean =>
    answer !== "conflict" && someAccepted(answer),
  settleAndClaim: ({ settled, claimed }: Answer<"settleAndClaim">): boolean =>
    claimed.length > 0 || settled.some(({ applied }) => applied === "applied"),
  requestCancel: ({ kind }: Answer<"requestCancel">): boolean => kind === "cancelled" || kind === "requested",
  runNow: (record: Answer<"runNow">): boolean => record !== undefined,
  setDraining: (isKnown: boolean): boolean => isKnown,
  takeOver: isNotEmpty,
  replay: ({ kind }: Answer<"replay">): boolean => kind === "accepted",
  purgeDead: isNotEmpty,
  deleteEnded: (deleted: number): boolean => deleted > 0,
} satisfies { readonly [Method in keyof JobStore]?: (answer: Answer<Method>) => boolean };
