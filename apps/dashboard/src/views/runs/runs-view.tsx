import type { Printed, RunDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { momentMs } from "../../format.ts";
import { clock } from "../../live/clock.ts";
import { Badge } from "../../parts/badge.tsx";
import { SelectField, TextField } from "../../parts/fields.tsx";
import { Link } from "../../parts/link.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { PageHead, Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Duration, Money, ShortId, Time } from "../../parts/values.tsx";
import { hrefOf, route, setQuery } from "../../route.ts";
import { useList } from "../list.tsx";
import { stepTone } from "./step-tree.ts";

export type Run = Printed<RunDocument>;

const states = ["RUNNING", "INTERRUPTED", "SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"];

export const options = (names: readonly string[], all: string) => [
  { value: "", label: all },
  ...names.map((value) => ({ value, label: value.toLowerCase().replaceAll("_", " ") })),
];

export function RunBadge({
  run,
}: {
  readonly run: Pick<Run, "state" | "waitsFor" | "waitsForGroup">;
}): JSX.Element {
  const { state, waitsFor, waitsForGroup } = run;
  return (
    <>
      <Badge state={state.toLowerCase()} tone={stepTone(state)} />
      {waitsFor.length > 0 && <Badge state="approval" label="needs an answer" />}
      {waitsForGroup !== null && <span class="faint"> waits for group {waitsForGroup}</span>}
    </>
  );
}

/** How long it took, or takes so far. */
export const runMs = ({
  startedAt,
  endedAt,
  downtimeMs,
}: Pick<Run, "startedAt" | "endedAt" | "downtimeMs">): number =>
  Math.max(0, (endedAt === null ? clock.value : momentMs(endedAt)) - momentMs(startedAt) - downtimeMs);

const columns: readonly Column<Run>[] = [
  {
    header: "Run",
    cell: ({ id, name }) => (
      <Link href={hrefOf(["runs", id])}>
        {name} <ShortId id={id} />
      </Link>
    ),
  },
  { header: "State", cell: (run) => <RunBadge run={run} /> },
  { header: "Steps", align: "end", cell: ({ steps, stepsEnded }) => `${stepsEnded} of ${steps}` },
  { header: "Started", cell: ({ startedAt }) => <Time at={startedAt} /> },
  { header: "Took", align: "end", narrow: true, cell: (run) => <Duration ms={runMs(run)} /> },
  { header: "Cost", align: "end", narrow: true, cell: ({ costUsd }) => <Money usd={costUsd} /> },
];

export function RunsView(): JSX.Element {
  const { query } = route.value;
  const [state, name] = [query.get("state") ?? "", query.get("name") ?? ""];
  const { items, pager, error, loading } = useList<Run>(
    "/v1/workflow-runs",
    { state, name },
    { topics: ["workflows"] },
  );
  return (
    <>
      <PageHead title="Workflow runs" />
      <ErrorNote error={error} />
      <Section
        title="Runs"
        actions={
          <div class="filters">
            <SelectField
              label="State"
              value={state}
              options={options(states, "any")}
              onChange={(value) => setQuery({ state: value })}
            />
            <TextField
              label="Workflow"
              type="search"
              placeholder="its whole name"
              value={name}
              onInput={(value) => setQuery({ name: value })}
            />
          </div>
        }
      >
        {loading && items.length === 0 ? (
          <Loading />
        ) : (
          <Table
            columns={columns}
            rows={items}
            rowKey={({ id }) => id}
            empty={state === "" && name === "" ? "No workflow has run yet." : "No run matches."}
            caption="Workflow runs, newest first"
          />
        )}
        {pager}
      </Section>
    </>
  );
}
