import type { Printed, SpendDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { get } from "../../api/call.ts";
import { countText } from "../../format.ts";
import { useLive } from "../../live/live.ts";
import { SelectField } from "../../parts/fields.tsx";
import { Empty, ErrorNote, Loading } from "../../parts/notes.tsx";
import { Section } from "../../parts/section.tsx";
import { Table } from "../../parts/table.tsx";
import { Money } from "../../parts/values.tsx";
import { route, setQuery } from "../../route.ts";
import { CallSpendTables } from "./call-spend.tsx";
import { bucketText, SpendChart } from "./spend-chart.tsx";
import { spanOf, spans, stacksOf, type Bucket, type Span } from "./spend-series.ts";

type Spend = Printed<SpendDocument>;

export function SpendOverTime(): JSX.Element {
  const span = spanOf(route.value.query.get("span"));
  const { bucket, ms } = spans[span];
  const { data, error } = useLive(
    (signal) => {
      const bucketMs = bucket === "hour" ? 3_600_000 : 86_400_000;
      const since = new Date(Date.now() - ms + bucketMs).toISOString();
      return get<Spend>("/v1/spend", { bucket, since }, signal);
    },
    { topics: ["jobs"] },
    [span],
  );
  const options = Object.entries(spans).map(([value, { label }]) => ({ value, label }));
  return (
    <Section
      title="Spend over time"
      actions={
        <SelectField
          label="Time"
          value={span}
          options={options}
          onChange={(value) => setQuery({ span: value })}
        />
      }
    >
      <ErrorNote error={error} />
      {data === null ? (
        error === null && <Loading />
      ) : (
        <>
          <Spent buckets={data.buckets} bucket={data.bucket} span={span} />
          <CallSpendTables metered={data.metered} />
        </>
      )}
    </Section>
  );
}

interface SpentProps {
  readonly buckets: readonly Bucket[];
  readonly bucket: Spend["bucket"];
  readonly span: Span;
}

function Spent({ buckets, bucket, span }: SpentProps): JSX.Element {
  const spent = buckets.filter(({ costUsd, tokens }) => costUsd > 0 || tokens > 0).toReversed();
  if (spent.length === 0) return <Empty>Nothing was spent in the last {spans[span].label}.</Empty>;
  const total = spent.reduce((sum, { costUsd }) => sum + costUsd, 0);
  const names = stacksOf(buckets)
    .map(({ name }) => name)
    .filter((name) => name !== "other");
  return (
    <>
      <p>
        <Money usd={total} /> in the last {spans[span].label}. An attempt counts in the {bucket} in which it
        began, once it has ended.
      </p>
      <SpendChart buckets={buckets} bucket={bucket} />
      <details>
        <summary>The same as a table</summary>
        <Table
          columns={[
            {
              header: bucket === "hour" ? "Hour" : "Day (UTC)",
              cell: (one) => bucketText(one, bucket),
            },
            ...names.map((name) => ({
              header: name,
              align: "end" as const,
              cell: ({ workers }: Bucket) => <Money usd={workers[name]?.costUsd ?? 0} />,
            })),
            { header: "All", align: "end", cell: ({ costUsd }) => <Money usd={costUsd} /> },
            { header: "Tokens", align: "end", cell: ({ tokens }) => countText(tokens) },
          ]}
          rows={spent}
          rowKey={({ at }) => at}
          empty=""
          caption={`Spend by ${bucket}, newest first`}
        />
      </details>
    </>
  );
}
