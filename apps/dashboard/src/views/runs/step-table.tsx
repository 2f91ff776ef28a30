import type { JSX } from "preact";
import { clock } from "../../live/clock.ts";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Duration, Money } from "../../parts/values.tsx";
import { stepMs, stepTone, type TreeRow } from "./step-tree.ts";

export interface StepTreeProps {
  readonly rows: readonly TreeRow[];
  /** The address of what is said of an instance. */
  readonly hrefOf: (key: string) => string;
}

export const StepBadge = ({ row: { status, step } }: { readonly row: TreeRow }): JSX.Element => (
  <Badge
    state={status.toLowerCase()}
    tone={stepTone(status)}
    label={`${status.toLowerCase()}${step?.cached === true ? ", cached" : ""}`}
  />
);

/** The steps below each other, those of a sub-workflow further in. */
export function StepTree({ rows, hrefOf }: StepTreeProps): JSX.Element {
  const columns: readonly Column<TreeRow>[] = [
    {
      header: "Step",
      cell: ({ key, depth, node, step }) => (
        <span style={{ paddingInlineStart: `${depth * 1.25}rem` }}>
          <Link href={hrefOf(key)} label={depth === 0 ? undefined : key}>
            {step?.id ?? node.id}
          </Link>
        </span>
      ),
    },
    {
      header: "State",
      cell: (row) => (
        <span data-step={row.node.path} data-status={row.status}>
          <StepBadge row={row} />
        </span>
      ),
    },
    { header: "Attempts", align: "end", narrow: true, cell: ({ step }) => step?.attempts ?? 0 },
    {
      header: "Iterations",
      align: "end",
      narrow: true,
      cell: ({ step }) => (step?.loops === true ? step.iterations : ""),
    },
    {
      header: "Took",
      align: "end",
      cell: ({ step }) => <Duration ms={step === null ? null : stepMs(step, clock.value)} />,
    },
    { header: "Cost", align: "end", cell: ({ step }) => <Money usd={step?.costUsd} /> },
  ];
  return (
    <Table
      columns={columns}
      rows={rows}
      rowKey={({ key }) => key}
      empty="No steps."
      caption="Steps of the run"
    />
  );
}
