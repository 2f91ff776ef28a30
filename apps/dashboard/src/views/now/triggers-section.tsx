import type { JSX } from "preact";
import { countText } from "../../format.ts";
import { Link } from "../../parts/link.tsx";
import { Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Time } from "../../parts/values.tsx";
import { hrefOf } from "../../route.ts";
import type { Overview } from "./now-view.tsx";

type Trigger = Overview["triggers"][number];

export function TriggersSection({ triggers }: { readonly triggers: readonly Trigger[] }): JSX.Element {
  return (
    <Section title="Triggers" count={triggers.length}>
      <Table
        caption="Triggers, and when each fires next"
        columns={columns}
        rows={triggers}
        rowKey={({ name }) => name}
        empty="The daemon has no trigger."
      />
    </Section>
  );
}

const columns: readonly Column<Trigger>[] = [
  {
    header: "Trigger",
    cell: ({ name }) => (
      <Link href={hrefOf(["triggers", name])} class="foreign">
        {name}
      </Link>
    ),
  },
  { header: "Next", align: "end", cell: ({ nextAt }) => <Time at={nextAt} /> },
  { header: "Running", align: "end", cell: ({ running }) => countText(running) },
  { header: "Waiting", align: "end", cell: ({ waiting }) => countText(waiting) },
];
