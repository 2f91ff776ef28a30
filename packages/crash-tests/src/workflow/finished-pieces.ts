/** Which pieces of work a run's journal holds the end of, sub-workflows included; in the words of the steps' own ledger. */
import type { Journal, JournalListing } from "@agentcore/scheduler";
import { subWorkflows } from "./killed-workflow.ts";

/** What is read of an entry. */
interface Entry {
  readonly event?: {
    readonly type: string;
    readonly step?: string;
    readonly event?: { readonly type: string; readonly outcome?: string };
  };
}

export interface JournaledRun {
  /** Null: none was begun yet. */
  readonly id: string | null;
  readonly outcome: string | null;
  /** Such as `s3 2` for the second iteration of a step, and `s12-last 1` for one of a sub-workflow's. */
  readonly finished: readonly string[];
}

const outerPrefix = "workflow:";

/** Of the newest run in the journal that `isOurs`. */
export async function readJournaledRun(
  journal: Journal,
  isOurs: (listing: JournalListing) => boolean,
): Promise<JournaledRun> {
  const outer = (await journal.list({ prefix: outerPrefix })).find(isOurs);
  if (outer === undefined) return { id: null, outcome: null, finished: [] };
  const id = outer.stream.slice(outerPrefix.length);
  const children = (await journal.list({ prefix: "workflow-child:" })).filter(
    ({ header }) => header["parent"] === id,
  );
  const finished: string[] = [];
  for (const { stream, header } of [outer, ...children]) {
    const inner = stream === outer.stream ? "" : `${String(header["name"])}-`;
    const entries = (await journal.read(stream))?.entries ?? [];
    finished.push(...piecesOf(entries as unknown as readonly Entry[]).map((piece) => inner + piece));
  }
  const outcome = outer.header["outcome"];
  return { id, outcome: typeof outcome === "string" ? outcome : null, finished };
}

/** Nothing fails in this workflow, so the n-th attempt that succeeded is the n-th iteration. */
function piecesOf(entries: readonly Entry[]): string[] {
  const iterations = new Map<string, number>();
  return entries.flatMap(({ event }) => {
    const { step = "", event: change } = event ?? {};
    if (change?.type !== "work_ended" || change.outcome !== "succeeded") return [];
    // A sub-workflow's own pieces stand in its own stream.
    if (subWorkflows.some((index) => step === `s${index}`)) return [];
    const iteration = (iterations.get(step) ?? 0) + 1;
    iterations.set(step, iteration);
    return [`${step} ${iteration}`];
  });
}
