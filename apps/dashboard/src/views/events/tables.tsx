import type { FiringDocument, Printed, TriggerEventDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { post } from "../../api/call.ts";
import { plainText } from "../../format.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Money, ShortId, Time } from "../../parts/values.tsx";
import { hrefOf } from "../../route.ts";
import { jsonText } from "../json-text.ts";
import { firingState, isOpen } from "./story.ts";
import "./events.css";

export type TriggerEvent = Printed<TriggerEventDocument>;
export type Firing = Printed<FiringDocument>;

const excerptMax = 80;

const eventColumns: readonly (Column<TriggerEvent> & { readonly of?: string })[] = [
  {
    header: "Event",
    cell: ({ id }) => (
      <Link href={hrefOf(["events", id])}>
        <ShortId id={id} />
      </Link>
    ),
  },
  { header: "At", cell: ({ at }) => <Time at={at} /> },
  { header: "Source", of: "source", cell: ({ source }) => source },
  {
    header: "Key",
    narrow: true,
    cell: ({ key }) => key !== null && <span class="foreign">{plainText(key).slice(0, excerptMax)}</span>,
  },
  {
    header: "Payload",
    cell: ({ payload }) => <code class="foreign">{jsonText(payload, { max: excerptMax, indent: 0 })}</code>,
  },
  {
    header: "Routed",
    narrow: true,
    cell: ({ routed, code, replayOf, onlyTrigger }) => (
      <>
        {code !== null ? <Badge state="skipped" label={code} /> : !routed && <Badge state="waiting" />}
        {replayOf !== null && <span class="faint"> replay</span>}
        {onlyTrigger !== null && <span class="faint"> only {onlyTrigger}</span>}
      </>
    ),
  },
];

export function EventTable({
  rows,
  without,
}: {
  readonly rows: readonly TriggerEvent[];
  readonly without?: "source";
}): JSX.Element {
  return (
    <Table
      columns={eventColumns.filter(({ of }) => of === undefined || of !== without)}
      rows={rows}
      rowKey={({ id }) => id}
      empty="No events."
      caption="Events, newest first"
    />
  );
}

/** Why it waits, was skipped or did not succeed. */
export function Why({ firing: { code, reason } }: { readonly firing: Firing }): JSX.Element | null {
  if (code === null && reason === null) return null;
  return (
    <span class="foreign why">
      {code !== null && <code>{code}</code>} {reason !== null && plainText(reason)}
    </span>
  );
}

export function CancelFiring({
  firing,
  refresh,
}: {
  readonly firing: Firing;
  readonly refresh: () => void;
}): JSX.Element {
  return (
    <ActionButton
      label="Cancel"
      danger
      confirm={firing.state === "running" ? "Its run is cancelled." : "It is skipped, and does not run."}
      onAct={async () => {
        await post(`/v1/firings/${encodeURIComponent(firing.id)}/cancel`, {
          reason: "cancelled on the page",
        });
        refresh();
      }}
    />
  );
}

export interface FiringTableProps {
  readonly rows: readonly Firing[];
  readonly refresh: () => void;
  readonly without?: "trigger" | "event";
}

export function FiringTable({ rows, refresh, without }: FiringTableProps): JSX.Element {
  const columns: readonly (Column<Firing> & { readonly of?: string })[] = [
    {
      header: "Firing",
      cell: ({ id }) => (
        <Link href={hrefOf(["firings", id])}>
          <ShortId id={id} />
        </Link>
      ),
    },
    { header: "State", cell: (firing) => <Badge state={firingState(firing)} /> },
    { header: "At", cell: ({ at }) => <Time at={at} /> },
    {
      header: "Trigger",
      of: "trigger",
      cell: ({ trigger }) => <Link href={hrefOf(["triggers", trigger])}>{trigger}</Link>,
    },
    {
      header: "Event",
      of: "event",
      narrow: true,
      cell: ({ event }) => (
        <Link href={hrefOf(["events", event])}>
          <ShortId id={event} />
        </Link>
      ),
    },
    {
      header: "Run",
      cell: ({ run }) =>
        run !== null && (
          <Link href={hrefOf(["runs", run])}>
            <ShortId id={run} />
          </Link>
        ),
    },
    { header: "Why", cell: (firing) => <Why firing={firing} /> },
    { header: "Cost", align: "end", narrow: true, cell: ({ costUsd }) => <Money usd={costUsd} /> },
    {
      header: "Actions",
      cell: (firing) => isOpen(firing) && <CancelFiring firing={firing} refresh={refresh} />,
    },
  ];
  return (
    <Table
      columns={columns.filter(({ of }) => of === undefined || of !== without)}
      rows={rows}
      rowKey={({ id }) => id}
      empty="Nothing has fired."
      caption="Firings, newest first"
    />
  );
}
