import type { JSX } from "preact";
import { countText, plainText } from "../../format.ts";
import { Link } from "../../parts/link.tsx";
import { Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Age, ShortId } from "../../parts/values.tsx";
import { hrefOf } from "../../route.ts";
import type { Overview } from "./now-view.tsx";

type Waiting = Overview["waiting"][number];

export function WaitingSection({
  overview,
}: {
  readonly overview: Pick<Overview, "waiting" | "queue">;
}): JSX.Element {
  const { queue, waiting } = overview;
  return (
    <Section
      title="Waiting"
      count={queue.ready + queue.delayed}
      actions={<Link href="/jobs?state=queued">All that wait</Link>}
    >
      <Table
        caption="Queued jobs by what they wait for"
        columns={columns}
        rows={waiting}
        rowKey={({ code, example }) => code ?? example}
        empty="Nothing waits."
      />
    </Section>
  );
}

const columns: readonly Column<Waiting>[] = [
  {
    header: "Why",
    cell: ({ code, reason }) => (
      <div class="foreign">
        {plainText(reason)}
        {code !== null && (
          <div class="faint small">
            <code>{code}</code>
          </div>
        )}
      </div>
    ),
  },
  { header: "Jobs", align: "end", cell: ({ jobs }) => countText(jobs) },
  { header: "Longest", align: "end", cell: ({ oldestAt }) => <Age since={oldestAt} /> },
  {
    header: "Example",
    align: "end",
    cell: ({ example }) => (
      <Link href={hrefOf(["jobs", example])}>
        <ShortId id={example} />
      </Link>
    ),
  },
];
