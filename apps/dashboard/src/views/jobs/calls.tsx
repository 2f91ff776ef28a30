/** The latest calls of a job to its provider, the newest first, as the spend gate metered them. */
import type { JSX } from "preact";
import { countText, durationText, momentMs, moneyText, plainText } from "../../format.ts";
import { Badge } from "../../parts/badge.tsx";
import type { Tone } from "../../parts/badge-tones.ts";
import { Section } from "../../parts/section.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { Time } from "../../parts/values.tsx";
import type { Job } from "./story.ts";

type Call = Job["calls"][number];

const tones: Readonly<Record<Call["outcome"], Tone>> = {
  open: "busy",
  completed: "good",
  cut: "bad",
  cancelled: "off",
  failed: "bad",
};

const costText = ({ outcome, estimated, costUsd }: Call): string =>
  `${moneyText(costUsd)}${outcome === "open" ? " at most" : estimated ? " (estimated)" : ""}`;

const tokensText = (tokens: number | null): string => (tokens === null ? "–" : countText(tokens));

const writtenText = ({ cacheWrite5mTokens: short, cacheWrite1hTokens: long }: Call): string =>
  short === null || long === null ? "–" : countText(short + long);

const columns: readonly Column<Call>[] = [
  { header: "Began", cell: ({ startedAt }) => <Time at={startedAt} /> },
  { header: "Attempt", cell: ({ attempt }) => attempt, align: "end" },
  { header: "Model", cell: ({ provider, model }) => plainText(`${provider}/${model ?? "–"}`) },
  {
    header: "State",
    cell: ({ outcome, status }) => (
      <Badge
        state={outcome}
        tone={tones[outcome]}
        label={status === null || status < 400 ? outcome : `${outcome}, ${status}`}
      />
    ),
  },
  { header: "In", cell: ({ inputTokens }) => tokensText(inputTokens), align: "end" },
  {
    header: "Cached",
    cell: ({ cacheReadTokens }) => tokensText(cacheReadTokens),
    align: "end",
    narrow: true,
  },
  { header: "Written to cache", cell: writtenText, align: "end", narrow: true },
  { header: "Out", cell: ({ outputTokens }) => tokensText(outputTokens), align: "end" },
  { header: "Cost", cell: costText, align: "end" },
  {
    header: "Took",
    cell: ({ startedAt, endedAt }) =>
      endedAt === null ? "–" : durationText(momentMs(endedAt) - momentMs(startedAt)),
    align: "end",
    narrow: true,
  },
  { header: "Price from", cell: ({ priceSource }) => plainText(priceSource ?? "no price"), narrow: true },
];

export function Calls({ job: { calls, earlierCalls } }: { readonly job: Job }): JSX.Element | null {
  if (calls.length === 0) return null;
  return (
    <Section title="Calls" count={calls.length + earlierCalls}>
      <Table
        columns={columns}
        rows={calls.toReversed()}
        rowKey={({ attempt, id }) => `${attempt} ${id}`}
        empty=""
        caption="Calls to the provider, newest first"
      />
      {earlierCalls > 0 && <p class="faint">And {countText(earlierCalls)} earlier.</p>}
    </Section>
  );
}
