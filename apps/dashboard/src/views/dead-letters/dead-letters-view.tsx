/** Jobs that failed for good: found by a filter, and replayed or purged one by one, some, or all that match. */
import type {
  CountDocument,
  ErrorDocument,
  JobDocument,
  PurgedDocument,
  ReplayedDocument,
} from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, post, type ListDocument } from "../../api/call.ts";
import { useLive } from "../../live/live.ts";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { PageHead, Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { route } from "../../route.ts";
import { BatchDialog } from "../jobs/batch-dialog.tsx";
import type { BatchAnswer, Place } from "../jobs/batches.ts";
import { FilterBar, useSettled } from "../jobs/filter-bar.tsx";
import { conditionsOf, formOf, isFiltered, selectionOf, type Conditions } from "../jobs/filter.ts";
import { endedColumn, jobColumns, reasonColumn, type JobRow } from "../jobs/job-columns.tsx";
import { LimitInputs } from "../jobs/limit-fields.tsx";
import { editsOf, noLimits } from "../jobs/limits.ts";
import { pageJobs, Pages } from "../jobs/pages.tsx";

type Change = "replay" | "purge";

export function DeadLettersView(): JSX.Element {
  const address = useSettled(route.value.query.toString());
  const query = new URLSearchParams(address);
  const conditions = (): Conditions => conditionsOf(formOf(query), "endedAfter", Date.now());
  const { data, error, refresh } = useLive(
    (signal) =>
      get<ListDocument<JobDocument>>(
        "/v1/dead-letters",
        { ...conditions(), before: query.get("before"), limit: pageJobs },
        signal,
      ),
    { topics: ["jobs"] },
    [address],
  );
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [change, setChange] = useState<{ readonly kind: Change; readonly where: Conditions } | null>(null);
  const rows = data?.items ?? [];
  // What is gone from the page is no longer chosen.
  const selected = rows.filter(({ id }) => chosen.has(id)).map(({ id }) => id);
  const ask = (kind: Change) => () =>
    setChange({ kind, where: selected.length > 0 ? { id: selected } : conditions() });
  const close = (): void => {
    setChange(null);
    setChosen(new Set());
    refresh();
  };
  const form = formOf(route.value.query);
  const which =
    selected.length > 0 ? `${selected.length} selected` : isFiltered(form) ? "all that match" : "all";
  return (
    <>
      <PageHead title="Dead letters" />
      <FilterBar form={form} hasStates={false} since="Ended">
        <button type="button" class="primary" onClick={ask("replay")}>
          Replay {which} …
        </button>
        <button type="button" class="danger" onClick={ask("purge")}>
          Purge {which} …
        </button>
      </FilterBar>
      <ErrorNote error={error} />
      <Section title={query.has("before") ? "Older dead letters" : "Newest dead letters"}>
        {data === null ? (
          error === null && <Loading />
        ) : (
          <Table
            columns={[choiceColumn(selected, setChosen), ...jobColumns, reasonColumn, endedColumn]}
            rows={rows}
            rowKey={({ id }) => id}
            empty={isFiltered(form) ? "No dead letter matches." : "There are no dead letters."}
            caption="Dead letters, newest first"
          />
        )}
        <SelectPage rows={rows} selected={selected} onChange={setChosen} />
        <Pages next={data?.next ?? null} query={route.value.query} />
      </Section>
      {change?.kind === "replay" && <Replay where={change.where} onClose={close} />}
      {change?.kind === "purge" && <Purge where={change.where} onClose={close} />}
    </>
  );
}

interface SelectPageProps {
  readonly rows: readonly JobRow[];
  readonly selected: readonly string[];
  readonly onChange: (chosen: ReadonlySet<string>) => void;
}

function SelectPage({ rows, selected, onChange }: SelectPageProps): JSX.Element | null {
  if (rows.length === 0) return null;
  const isAll = selected.length === rows.length;
  return (
    <p class="pager">
      <button type="button" onClick={() => onChange(new Set(isAll ? [] : rows.map(({ id }) => id)))}>
        {isAll ? "Select none" : `Select the ${rows.length} on this page`}
      </button>
    </p>
  );
}

const choiceColumn = (
  selected: readonly string[],
  onChange: (chosen: ReadonlySet<string>) => void,
): Column<JobRow> => ({
  header: "Select",
  cell: ({ id }) => (
    <input
      type="checkbox"
      aria-label={`Select ${id}`}
      checked={selected.includes(id)}
      onChange={({ currentTarget }) =>
        onChange(new Set(currentTarget.checked ? [...selected, id] : selected.filter((each) => each !== id)))
      }
    />
  ),
});

interface ChangeProps {
  readonly where: Conditions;
  readonly onClose: () => void;
}

const batchJobs = 500;

const countOf = (where: Conditions) => async (): Promise<number> =>
  (await get<CountDocument>("/v1/counts/dead-letters", where)).count;

function Replay({ where, onClose }: ChangeProps): JSX.Element {
  const [fields, setFields] = useState(noLimits);
  const batches = () => {
    const set = editsOf(fields);
    return async (before: Place | undefined): Promise<BatchAnswer> => {
      const request = { ...selectionOf(where), before, limit: batchJobs, set };
      const { items, next } = await post<ListDocument<ReplayedDocument | ErrorDocument>>(
        "/v1/dead-letters/replay",
        request,
      );
      const failed = items.filter((item) => item.type === "error");
      return {
        done: items.length - failed.length,
        failed: failed.length,
        failure: failed[0]?.message ?? null,
        next,
      };
    };
  };
  return (
    <BatchDialog
      verb="Replay"
      doneVerb="replayed"
      noun="dead letter"
      count={countOf(where)}
      batches={batches}
      onClose={onClose}
    >
      Each is submitted again as a new job.
      <details>
        <summary>Change their limits</summary>
        <LimitInputs
          value={fields}
          onChange={(change) => setFields((last) => ({ ...last, ...change }))}
          empty="as before"
        />
      </details>
    </BatchDialog>
  );
}

function Purge({ where, onClose }: ChangeProps): JSX.Element {
  /** Those that die meanwhile are not purged: nobody was asked about them. */
  const batches = (total: number) => {
    let left = total;
    return async (): Promise<BatchAnswer> => {
      const request = { ...selectionOf(where), limit: Math.min(left, batchJobs) };
      const { purged } = await post<PurgedDocument>("/v1/dead-letters/purge", request);
      left -= purged;
      return { done: purged, failed: 0, failure: null, next: purged === 0 || left <= 0 ? null : "more" };
    };
  };
  return (
    <BatchDialog
      verb="Purge"
      doneVerb="purged"
      noun="dead letter"
      danger
      count={countOf(where)}
      batches={batches}
      onClose={onClose}
    >
      They are deleted for good, with the evidence of their attempts. This cannot be undone.
    </BatchDialog>
  );
}
