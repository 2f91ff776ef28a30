import type { JobDocument, Printed } from "@agentcore/contract";
import type { JSX } from "preact";
import { get, post, type ListDocument } from "../../api/call.ts";
import { countText, plainText } from "../../format.ts";
import { clock } from "../../live/clock.ts";
import { useLive } from "../../live/live.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { Facts, Section, type Fact } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Duration, Money, ShortId, Time } from "../../parts/values.tsx";
import { hrefOf, route, setQuery } from "../../route.ts";
import { StepBadge } from "./step-table.tsx";
import { stepMs, type Step, type TreeRow } from "./step-tree.ts";

type Job = Printed<JobDocument>;

export interface StepDetailsProps {
  readonly run: string;
  /** Of the run in the API. */
  readonly path: string;
  readonly rows: readonly TreeRow[];
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
  { header: "Piece", cell: ({ labels }) => labels["workflow.piece"] ?? "" },
  { header: "Iteration", align: "end", cell: ({ iteration }) => iteration },
  { header: "State", cell: ({ state }) => <Badge state={state} /> },
  { header: "Submitted", narrow: true, cell: ({ submittedAt }) => <Time at={submittedAt} /> },
  { header: "Took", align: "end", cell: ({ durationMs }) => <Duration ms={durationMs} /> },
  { header: "Cost", align: "end", cell: ({ costUsd }) => <Money usd={costUsd} /> },
];

/** The step that the address names, with its jobs. */
export function StepDetails({ run, path, rows, isEnded, refresh }: StepDetailsProps): JSX.Element | null {
  const key = route.value.query.get("step");
  const row = rows.find((one) => one.key === key);
  if (row === undefined) return null;
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
            Close
          </button>
        </>
      }
    >
      <Facts
        items={[{ term: "State", value: <StepBadge row={row} /> }, ...(step === null ? [] : factsOf(step))]}
      />
      {step !== null && step.output !== "" && <pre class="text">{plainText(step.output)}</pre>}
      {row.node.kind === "worker" && <StepJobs key={row.key} run={run} path={path} row={row} rows={rows} />}
    </Section>
  );
}

interface StepJobsProps extends Pick<StepDetailsProps, "run" | "path" | "rows"> {
  readonly row: TreeRow;
}

function StepJobs({ run, path, row, rows }: StepJobsProps): JSX.Element {
  const name = row.step?.id ?? row.node.id;
  const { data, error } = useLive(
    (signal) => get<ListDocument<JobDocument>>(`${path}/jobs`, { step: name }, signal),
    { topics: ["workflows"], run },
    [path, name],
  );
  // Jobs name their step without what it is part of. Of several steps with one name, only the latest job is sure.
  const isOnly = rows.filter(({ step, node }) => (step?.id ?? node.id) === name).length === 1;
  const shown = (data?.items ?? []).filter(({ id }) => isOnly || id === row.step?.jobId);
  return (
    <>
      <ErrorNote error={error} />
      {data === null ? (
        error === null && <Loading />
      ) : (
        <Table
          columns={jobColumns}
          rows={shown}
          rowKey={({ id }) => id}
          empty="It has no jobs."
          caption="Jobs of the step, newest first"
        />
      )}
    </>
  );
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
