/** What lists of jobs show of a job. */
import type { JobDocument, Printed } from "@agentcore/contract";
import type { JSX } from "preact";
import { attemptText, momentMs, plainText } from "../../format.ts";
import { clock } from "../../live/clock.ts";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import type { Column } from "../../parts/table.tsx";
import { Age, Duration, Money, ShortId, Time } from "../../parts/values.tsx";
import { hrefOf } from "../../route.ts";

export type JobRow = Printed<JobDocument>;

export const isOpen = ({ state }: Pick<JobRow, "state">): boolean =>
  state === "queued" || state === "running";

type StateFacts = Pick<JobRow, "state" | "code" | "runAt">;

/** Queued, and not due. */
export const isDelayed = ({ state, runAt }: Pick<JobRow, "state" | "runAt">): boolean =>
  state === "queued" && runAt !== null && momentMs(runAt) > clock.value;

/** A running job with a code is to stop; a queued one may wait for its moment. */
export function JobState({ job }: { readonly job: StateFacts }): JSX.Element {
  const isStopping = job.state === "running" && job.code !== null;
  return <Badge state={isStopping ? "stopping" : isDelayed(job) ? "delayed" : job.state} />;
}

export const jobHref = (id: string): string => hrefOf(["jobs", id]);

function JobName({ job }: { readonly job: JobRow }): JSX.Element {
  const [line = ""] = plainText(job.instructions).trimStart().split("\n", 1);
  return (
    <>
      <Link href={jobHref(job.id)}>
        <ShortId id={job.id} />
      </Link>{" "}
      <span class="job-line">{line.slice(0, 160)}</span>
    </>
  );
}

/** Why it waits, is to stop, or ended. */
function JobReason({ job }: { readonly job: JobRow }): JSX.Element {
  const text = plainText(job.reason ?? job.summary ?? "").slice(0, 300);
  return (
    <span class="job-reason foreign" title={text}>
      {job.code !== null && <code>{job.code}</code>} {text}
    </span>
  );
}

function Took({ job }: { readonly job: JobRow }): JSX.Element {
  if (job.state === "running") return <Age since={job.claimedAt} />;
  return <Duration ms={job.durationMs} />;
}

/** Without the state. */
export const jobColumns: readonly Column<JobRow>[] = [
  { header: "Job", cell: (job) => <JobName job={job} /> },
  {
    header: "Worker",
    cell: ({ worker, model }) => (model === null ? worker : `${worker} (${model})`),
    narrow: true,
  },
  {
    header: "Workspace",
    cell: ({ workspace }) => (
      <span title={workspace} class="job-place">
        {workspace.split("/").at(-1)}
      </span>
    ),
    narrow: true,
  },
  {
    header: "Attempt",
    cell: attemptText,
    align: "end",
    narrow: true,
  },
  { header: "Took", cell: (job) => <Took job={job} />, align: "end", narrow: true },
  { header: "Cost", cell: ({ costUsd }) => <Money usd={costUsd} />, align: "end", narrow: true },
];

export const submittedColumn: Column<JobRow> = {
  header: "Submitted",
  cell: ({ submittedAt }) => <Time at={submittedAt} />,
};

export const endedColumn: Column<JobRow> = {
  header: "Ended",
  cell: ({ endedAt }) => <Time at={endedAt} />,
};

export const reasonColumn: Column<JobRow> = {
  header: "Why",
  cell: (job) => <JobReason job={job} />,
};
