/**
 * Which pieces of work had their end on record: in the journal of the run or of a sub-workflow's, or as the end of their
 * job, which may be one step ahead of the journal. In the words of the steps' own ledger.
 */
import type { JobStore, Journal, JournalListing } from "@agentcore/scheduler";
import { subWorkflows } from "./killed-workflow.ts";

/** What is read of an entry. */
interface Entry {
  readonly event?: {
    readonly type: string;
    readonly step?: string;
    readonly event?: { readonly type: string; readonly outcome?: string };
  };
}

export interface RecordedRun {
  /** Null: none was begun yet. */
  readonly id: string | null;
  readonly outcome: string | null;
  /** Such as `s3 2` for the second iteration of a step, and `s12-last 1` for one of a sub-workflow's. */
  readonly finished: readonly string[];
}

const outerPrefix = "workflow:";
const childPrefix = "workflow-child:";

/** Of the newest run in the journal that `isOurs`. */
export async function readRecordedRun(
  { journal, store }: { readonly journal: Journal; readonly store: JobStore },
  isOurs: (listing: JournalListing) => boolean,
): Promise<RecordedRun> {
  const outer = (await journal.list({ prefix: outerPrefix })).find(isOurs);
  if (outer === undefined) return { id: null, outcome: null, finished: [] };
  const id = outer.stream.slice(outerPrefix.length);
  const children = (await journal.list({ prefix: childPrefix })).filter(
    ({ header }) => header["parent"] === id,
  );
  const finished = new Set<string>();
  for (const { stream, header } of [outer, ...children]) {
    const isOuter = stream === outer.stream;
    const { name } = header;
    const inner = isOuter || typeof name !== "string" ? "" : `${name}-`;
    const entries = (await journal.read(stream))?.entries ?? [];
    const run = isOuter ? id : stream.slice(childPrefix.length);
    const pieces = [...piecesOf(entries as unknown as readonly Entry[]), ...(await piecesEnded(store, run))];
    for (const piece of pieces) finished.add(inner + piece);
  }
  const outcome = outer.header["outcome"];
  return { id, outcome: typeof outcome === "string" ? outcome : null, finished: [...finished] };
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

async function piecesEnded(store: JobStore, run: string): Promise<string[]> {
  const labels = { "workflow.run": run, "workflow.piece": "work" };
  const { jobs } = await store.list({ labels, states: ["succeeded"], limit: 1000 });
  return jobs.map(({ job }) => {
    const { labels: found } = job.context;
    return `${found["workflow.step"]} ${job.task.env?.["AGENTCORE_ITERATION"]}`;
  });
}
