import type { Printed, TriggerDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { get } from "../../api/call.ts";
import { plainText } from "../../format.ts";
import { useLive } from "../../live/live.ts";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { PageHead, Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Money, Time } from "../../parts/values.tsx";
import { hrefOf } from "../../route.ts";

export type Trigger = Printed<TriggerDocument>;

export function LastRun({
  trigger: { lastRun, lastOutcome, lastEndedAt },
}: {
  readonly trigger: Trigger;
}): JSX.Element {
  if (lastRun === null || lastOutcome === null) return <span class="faint">none</span>;
  return (
    <>
      <Badge state={lastOutcome.toLowerCase()} />{" "}
      <Link href={hrefOf(["runs", lastRun])}>
        <Time at={lastEndedAt} />
      </Link>
    </>
  );
}

const columns: readonly Column<Trigger>[] = [
  { header: "Trigger", cell: ({ id }) => <Link href={hrefOf(["triggers", id])}>{id}</Link> },
  {
    header: "State",
    cell: ({ state, pauseNote }) => (
      <>
        <Badge state={state} />
        {pauseNote !== null && pauseNote !== "" && <div class="faint foreign">{plainText(pauseNote)}</div>}
      </>
    ),
  },
  {
    header: "On",
    narrow: true,
    cell: ({ on, source }) => (
      <>
        {on} <span class="faint">{source}</span>
      </>
    ),
  },
  { header: "Next", cell: ({ nextFireAt }) => <Time at={nextFireAt} /> },
  { header: "Last run", cell: (trigger) => <LastRun trigger={trigger} /> },
  { header: "Waiting", align: "end", cell: ({ waiting }) => waiting },
  { header: "Running", align: "end", cell: ({ running }) => running },
  { header: "Spent", align: "end", narrow: true, cell: ({ spentUsd }) => <Money usd={spentUsd} /> },
];

export function TriggersView(): JSX.Element {
  const { data, error } = useLive(
    (signal) => get<{ readonly items: readonly Trigger[] }>("/v1/triggers", {}, signal),
    { topics: ["triggers"] },
    [],
  );
  return (
    <>
      <PageHead title="Triggers" />
      <ErrorNote error={error} />
      <Section title="Triggers" count={data?.items.length}>
        {data === null ? (
          error === null && <Loading />
        ) : (
          <Table
            columns={columns}
            rows={data.items}
            rowKey={({ id }) => id}
            empty="The daemon file has no triggers."
            caption="Triggers, in the order of the daemon file"
          />
        )}
      </Section>
    </>
  );
}
