/** The list of jobs: filtered, in pages, live. */
import type { CancelDocument, CountDocument, JobDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, post, type ListDocument } from "../../api/call.ts";
import { useLive } from "../../live/live.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { PageHead, Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { route } from "../../route.ts";
import type { BatchAnswer, Place } from "./batches.ts";
import { BatchDialog } from "./batch-dialog.tsx";
import { FilterBar, useSettled } from "./filter-bar.tsx";
import { conditionsOf, formOf, isFiltered, selectionOf, type Conditions } from "./filter.ts";
import { isOpen, JobState, jobColumns, reasonColumn, submittedColumn, type JobRow } from "./job-columns.tsx";
import { NewJobDialog } from "./new-job.tsx";
import { Pages, pageJobs } from "./pages.tsx";

const columns: readonly Column<JobRow>[] = [
  { header: "State", cell: (job) => <JobState job={job} /> },
  ...jobColumns,
  reasonColumn,
  submittedColumn,
  {
    header: "Change",
    cell: (job) =>
      isOpen(job) && (
        <ActionButton label="Cancel" onAct={() => post(`/v1/jobs/${encodeURIComponent(job.id)}/cancel`)} />
      ),
  },
];

export function JobsView(): JSX.Element {
  const address = useSettled(route.value.query.toString());
  const query = new URLSearchParams(address);
  const [open, setOpen] = useState<"new" | "cancel" | null>(null);
  const close = (): void => setOpen(null);
  const conditions = (): Conditions => conditionsOf(formOf(query), "submittedAfter", Date.now());
  const { data, error } = useLive(
    (signal) =>
      get<ListDocument<JobDocument>>(
        "/v1/jobs",
        { ...conditions(), before: query.get("before"), limit: pageJobs },
        signal,
      ),
    { topics: ["jobs"] },
    [address],
  );
  const form = formOf(route.value.query);
  return (
    <>
      <PageHead
        title="Jobs"
        actions={
          <button type="button" class="primary" onClick={() => setOpen("new")}>
            New job
          </button>
        }
      />
      <FilterBar form={form} hasStates since="Submitted">
        <button type="button" class="danger" onClick={() => setOpen("cancel")}>
          {isFiltered(form) ? "Cancel all that match …" : "Cancel all …"}
        </button>
      </FilterBar>
      <ErrorNote error={error} />
      <Section title={query.has("before") ? "Older jobs" : "Newest jobs"}>
        {data === null ? (
          error === null && <Loading />
        ) : (
          <Table
            columns={columns}
            rows={data.items}
            rowKey={({ id }) => id}
            empty="No job matches."
            caption="Jobs, newest first"
          />
        )}
        <Pages next={data?.next ?? null} query={route.value.query} />
      </Section>
      {open === "new" && <NewJobDialog onClose={close} />}
      {open === "cancel" && <CancelAll conditions={conditions()} onClose={close} />}
    </>
  );
}

const openStates = ["queued", "running"];
const batchJobs = 200;

interface CancelAllProps {
  readonly conditions: Conditions;
  readonly onClose: () => void;
}

function CancelAll({ conditions, onClose }: CancelAllProps): JSX.Element {
  const chosen = conditions["state"] ?? openStates;
  const where = { ...conditions, state: openStates.filter((state) => chosen.includes(state)) };
  const cancel = async (before: Place | undefined): Promise<BatchAnswer> => {
    const { items, next } = await post<ListDocument<CancelDocument>>("/v1/jobs/cancel", {
      ...selectionOf(where),
      before,
      limit: batchJobs,
    });
    const done = items.filter(({ outcome }) => outcome === "cancelled" || outcome === "requested").length;
    return { done, failed: 0, failure: null, next };
  };
  return (
    <BatchDialog
      verb="Cancel"
      doneVerb="cancelled or asked to stop"
      noun="job"
      danger
      count={async () =>
        where.state.length === 0 ? 0 : (await get<CountDocument>("/v1/counts/jobs", where)).count
      }
      batches={() => cancel}
      onClose={onClose}
    >
      Queued jobs end at once. Running ones are asked to stop, and get the time that they need to end.
    </BatchDialog>
  );
}
