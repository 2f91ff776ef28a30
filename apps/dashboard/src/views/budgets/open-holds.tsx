/** What attempts that have not ended hold of the budgets, and whether the process that holds it lives. */
import type { HoldDocument, Printed } from "@agentcore/contract";
import type { JSX } from "preact";
import { get } from "../../api/call.ts";
import { countText, plainText } from "../../format.ts";
import { useLive } from "../../live/live.ts";
import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Age, Money, ShortId } from "../../parts/values.tsx";

type Hold = Printed<HoldDocument>;

const columns: readonly Column<Hold>[] = [
  {
    header: "Job",
    cell: ({ jobId }) => (
      <Link href={`/jobs/${encodeURIComponent(jobId)}`}>
        <ShortId id={jobId} />
      </Link>
    ),
  },
  { header: "Permit", narrow: true, cell: ({ permitId }) => <ShortId id={permitId} /> },
  { header: "Worker", cell: ({ worker }) => plainText(worker) },
  { header: "Held", align: "end", cell: ({ costUsd }) => <Money usd={costUsd} /> },
  { header: "Tokens", align: "end", narrow: true, cell: ({ tokens }) => countText(tokens) },
  { header: "For", align: "end", cell: ({ heldAt }) => <Age since={heldAt} /> },
  {
    header: "Owner",
    cell: ({ owner: { pid, state } }) => (
      <>
        <Badge state={state} tone={state === "alive" ? "good" : "warn"} /> <code>{pid}</code>
      </>
    ),
  },
];

export function OpenHolds(): JSX.Element {
  const { data, error } = useLive(
    (signal) => get<{ readonly items: readonly Hold[] }>("/v1/holds", {}, signal),
    { topics: ["jobs"] },
    [],
  );
  return (
    <Section title="Open holds" count={data?.items.length}>
      <ErrorNote error={error} />
      {data === null ? (
        error === null && <Loading />
      ) : (
        <Table
          columns={columns}
          rows={data.items}
          rowKey={({ permitId }) => permitId}
          empty="No attempt holds anything."
          caption="Open holds"
        />
      )}
      {data?.items.some(({ owner }) => owner.state === "dead") === true && (
        <p class="faint">What a dead process held is charged when the next runtime starts.</p>
      )}
    </Section>
  );
}
