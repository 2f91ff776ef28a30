import type { QueueDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { get } from "../../api/call.ts";
import { countText } from "../../format.ts";
import { useLive } from "../../live/live.ts";
import { ErrorNote } from "../../parts/notes.tsx";
import { Facts, PageHead, Section } from "../../parts/section.tsx";

/** The first screen. */
export function NowView(): JSX.Element {
  const { data, error } = useLive(
    (signal) => get<QueueDocument>("/v1/queue", {}, signal),
    { topics: ["jobs"] },
    [],
  );
  return (
    <>
      <PageHead title="Now" />
      <ErrorNote error={error} />
      {data !== null && (
        <Section title="Queue">
          <Facts
            items={[
              { term: "Ready", value: countText(data.ready) },
              { term: "Delayed", value: countText(data.delayed) },
              { term: "Running", value: countText(data.running) },
              { term: "Dead", value: countText(data.dead) },
            ]}
          />
        </Section>
      )}
    </>
  );
}
