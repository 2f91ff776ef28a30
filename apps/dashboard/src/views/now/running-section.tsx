import type { CancelDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { post } from "../../api/call.ts";
import { attemptText, countText, moneyText, plainText } from "../../format.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { ActivityBadge } from "../../parts/activity.tsx";
import { Link } from "../../parts/link.tsx";
import { Meter } from "../../parts/meter.tsx";
import { Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Age, ShortId, Time } from "../../parts/values.tsx";
import { hrefOf } from "../../route.ts";
import type { Overview } from "./now-view.tsx";

type Running = Overview["running"][number];

interface RunningProps {
  readonly overview: Pick<Overview, "running" | "queue">;
  readonly onChange: () => void;
}

export function RunningSection({ overview: { running, queue }, onChange }: RunningProps): JSX.Element {
  const more = queue.running - running.length;
  return (
    <Section title="Running" count={queue.running}>
      <Table
        caption="Running jobs, the one that runs longest first"
        columns={columnsOf(onChange)}
        rows={running}
        rowKey={({ job }) => job}
        empty="Nothing runs."
      />
      {more > 0 && (
        <p class="faint">
          <Link href="/jobs?state=running">{countText(more)} more</Link>
        </p>
      )}
    </Section>
  );
}

const columnsOf = (onChange: () => void): readonly Column<Running>[] => [
  { header: "Job", cell: (row) => <Job row={row} /> },
  { header: "State", cell: (row) => <Activity row={row} /> },
  { header: "Spent", cell: (row) => <Spent row={row} />, align: "end" },
  { header: "Age", cell: ({ startedAt }) => <Age since={startedAt} />, align: "end" },
  { header: "Action", cell: (row) => <Cancel row={row} onChange={onChange} />, align: "end" },
];

function Job({ row }: { readonly row: Running }): JSX.Element {
  const { job, run, step, worker, model, instructions, attempt, maxAttempts } = row;
  return (
    <div class="job-cell">
      <div class="one-line">
        <Link href={hrefOf(["jobs", job])}>
          <ShortId id={job} />
        </Link>{" "}
        <strong>{worker}</strong>
        {model !== null && <span class="faint"> {plainText(model)}</span>}
        {step !== null && run !== null && (
          <>
            {" "}
            · step <Link href={hrefOf(["runs", run])}>{plainText(step)}</Link>
          </>
        )}
        {(run === null ? maxAttempts : attempt) > 1 && (
          <span class="faint"> · attempt {attemptText(row)}</span>
        )}
      </div>
      <div class="foreign faint two-lines">{plainText(instructions)}</div>
    </div>
  );
}

function Activity({
  row: { activity, activityAt, tool, lastOutputAt, reason },
}: {
  readonly row: Running;
}): JSX.Element {
  const detail = activity === "stopping" ? reason : tool;
  return (
    <div class="activity">
      <ActivityBadge activity={activity} since={activityAt} />
      {detail !== null && <div class="foreign two-lines">{plainText(detail)}</div>}
      {lastOutputAt !== null && (
        <div class="faint small">
          output <Time at={lastOutputAt} />
        </div>
      )}
    </div>
  );
}

function Spent({ row: { costUsd, maxCostUsd, tokens, maxTokens } }: { readonly row: Running }): JSX.Element {
  if (costUsd === null && tokens === null) return <span class="faint">–</span>;
  return (
    <>
      {costUsd !== null && (
        <Meter value={costUsd} max={maxCostUsd} label="Cost of its ceiling">
          {moneyText(costUsd)}
          {maxCostUsd !== null && <span class="faint"> of {moneyText(maxCostUsd)}</span>}
        </Meter>
      )}
      {tokens !== null && (
        <div class="faint small number">
          {countText(tokens)}
          {maxTokens !== null && ` of ${countText(maxTokens)}`} tokens
        </div>
      )}
    </>
  );
}

function Cancel({
  row: { job, activity },
  onChange,
}: {
  readonly row: Running;
  readonly onChange: () => void;
}) {
  const cancel = async (): Promise<void> => {
    await post<CancelDocument>(`/v1/jobs/${encodeURIComponent(job)}/cancel`, {
      reason: "cancelled on the page",
    });
    onChange();
  };
  return (
    <ActionButton
      label="Cancel"
      title={`Cancel the job ${job}`}
      disabled={activity === "stopping" ? "It is already to stop." : null}
      confirm={
        <p>
          The worker of job <ShortId id={job} /> is stopped, and the job ends as cancelled.
        </p>
      }
      onAct={cancel}
    />
  );
}
