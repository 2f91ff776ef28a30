import type { JobDocument, Printed } from "@agentcore/contract";
import type { JSX } from "preact";
import { post } from "../../api/call.ts";
import { countText, plainText } from "../../format.ts";
import { clock } from "../../live/clock.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { Facts, Section, type Fact } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Duration, Money, ShortId, Time } from "../../parts/values.tsx";
import { hrefOf, route, setQuery } from "../../route.ts";
import { StepBadge } from "./step-table.tsx";
import { stepMs, type Step, type TreeRow } from "./step-tree.ts";

type Job = Printed<JobDocument>;

export interface StepDetailsProps {
  readonly path: string;
  readonly rows: readonly TreeRow[];
  readonly jobs: readonly Job[];
  readonly isEnded: boolean;
  readonly refresh: () => void;
}

const jobColumns: readonly Column<Job>[] = [
  {
    header: "Job",
    cell: ({ id }) => (
      <Link href={hrefOf(["jobs", id])}>
        <ShortId id={id} />
      </Link>
    ),
  },
  { header: "Step", narrow: true, cell: ({ step }) => step },
  { header: "Piece", cell: ({ labels }) => labels["workflow.piece"] ?? "" },
  { header: "Iteration", align: "end", cell: ({ iteration }) => iteration },
  { header: "State", cell: ({ state }) => <Badge state={state} /> },
  { header: "Submitted", narrow: true, cell: ({ submittedAt }) => <Time at={submittedAt} /> },
  { header: "Took", align: "end", cell: ({ durationMs }) => <Duration ms={durationMs} /> },
  { header: "Cost", align: "end", cell: ({ costUsd }) => <Money usd={costUsd} /> },
];

/** The step that the address names, with its jobs; without one, the jobs of all steps. */
export function StepDetails({ path, rows, jobs, isEnded, refresh }: StepDetailsProps): JSX.Element {
  const key = route.value.query.get("step");
  const row = rows.find((one) => one.key === key);
  const shown = row === undefined ? jobs : jobsOf(row, rows, jobs);
  const table = (
    <Table
      columns={jobColumns}
      rows={shown}
      rowKey={({ id }) => id}
      empty={row?.node.kind === "workflow" ? "The jobs are those of the steps below it." : "It has no jobs."}
      caption="Jobs, newest first"
    />
  );
  if (row === undefined)
    return (
      <Section title="Jobs" count={jobs.length}>
        {table}
      </Section>
    );
  const { step } = row;
  return (
    <Section
      title={`Step ${row.key}`}
      actions={
        <>
          {isEnded && row.depth === 0 && (
            <ActionButton
              label="Retry from here"
              confirm="The step runs again, and every step that waits for it."
              onAct={async () => {
                await post(`${path}/retry`, { from: step?.id ?? row.key });
                refresh();
              }}
            />
          )}
          <button type="button" class="quiet" onClick={() => setQuery({ step: null })}>
            All jobs
          </button>
        </>
      }
    >
      <Facts
        items={[{ term: "State", value: <StepBadge row={row} /> }, ...(step === null ? [] : factsOf(step))]}
      />
      {step !== null && step.output !== "" && <pre class="text">{plainText(step.output)}</pre>}
      {table}
    </Section>
  );
}

/** Jobs name their step without what it is part of. Of several steps with one name, only the latest job is sure. */
function jobsOf(row: TreeRow, rows: readonly TreeRow[], jobs: readonly Job[]): readonly Job[] {
  const name = row.step?.id ?? row.node.id;
  const isOnly = rows.filter(({ step, node }) => (step?.id ?? node.id) === name).length === 1;
  return jobs.filter(({ step, id }) => (isOnly ? step === name : id === row.step?.jobId));
}

function factsOf(step: Step): readonly Fact[] {
  const maybe = (term: string, value: string | null): readonly Fact[] =>
    value === null || value === "" ? [] : [{ term, value: plainText(value) }];
  return [
    ...maybe("Reason", step.reason),
    ...maybe("Code", step.code),
    ...maybe("Question", step.approval?.message ?? null),
    { term: "Attempts", value: step.attempts },
    ...(step.loops ? [{ term: "Iterations", value: step.iterations }] : []),
    { term: "Started", value: <Time at={step.startedAt} /> },
    { term: "Took", value: <Duration ms={stepMs(step, clock.value)} /> },
    ...(step.retryAt === null ? [] : [{ term: "Next attempt", value: <Time at={step.retryAt} /> }]),
    { term: "Cost", value: <Money usd={step.costUsd} /> },
    { term: "Tokens", value: countText(step.tokens) },
    ...maybe("Artifacts", step.artifacts.join(", ")),
    ...Object.entries(step.values).map(([name, value]) => ({
      term: `Value ${name}`,
      value: plainText(value),
    })),
  ];
}
