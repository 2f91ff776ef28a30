import type { JSX } from "preact";
import { countText, moneyText, plainText } from "../../format.ts";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { Meter } from "../../parts/meter.tsx";
import { Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Age, ShortId } from "../../parts/values.tsx";
import { hrefOf } from "../../route.ts";
import type { Overview } from "./now-view.tsx";

type Run = Overview["runs"][number];

export function RunsSection({ runs }: { readonly runs: readonly Run[] }): JSX.Element {
  return (
    <Section title="Workflow runs" count={runs.length} actions={<Link href="/runs">All runs</Link>}>
      <Table
        caption="Workflow runs that go on or wait"
        columns={columns}
        rows={runs}
        rowKey={({ id }) => id}
        empty="No workflow run is open."
      />
    </Section>
  );
}

const columns: readonly Column<Run>[] = [
  {
    header: "Run",
    cell: ({ id, name }) => (
      <div class="one-line">
        <Link href={hrefOf(["runs", id])}>{plainText(name)}</Link> <ShortId id={id} />
      </div>
    ),
  },
  { header: "State", cell: ({ state }) => <Badge state={state.toLowerCase()} /> },
  { header: "Steps", cell: (run) => <Steps run={run} /> },
  {
    header: "Spent",
    align: "end",
    narrow: true,
    cell: ({ costUsd, maxCostUsd }) =>
      costUsd === null ? (
        <span class="faint">–</span>
      ) : (
        <Meter value={costUsd} max={maxCostUsd} label="Cost of its ceiling">
          {moneyText(costUsd)}
          {maxCostUsd !== null && <span class="faint"> of {moneyText(maxCostUsd)}</span>}
        </Meter>
      ),
  },
  { header: "Age", align: "end", cell: ({ submittedAt }) => <Age since={submittedAt} /> },
];

function Steps({ run: { steps, done, failed, running } }: { readonly run: Run }): JSX.Element {
  return (
    <Meter value={done} max={steps} label="Steps that have ended" kind="progress">
      {countText(done)} of {countText(steps)}
      {running > 0 && <span class="faint">, {countText(running)} at work</span>}
      {failed > 0 && <span class="bad-text">, {countText(failed)} failed</span>}
    </Meter>
  );
}
