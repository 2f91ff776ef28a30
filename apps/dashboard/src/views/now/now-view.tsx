/** The first screen: what runs, what waits and why, what needs a person, what was spent, and what is held back. */
import type { OverviewDocument, Printed } from "@agentcore/contract";
import type { JSX } from "preact";
import { get } from "../../api/call.ts";
import { useLive, useRepeat } from "../../live/live.ts";
import { Badge } from "../../parts/badge.tsx";
import { ErrorNote, Loading } from "../../parts/notes.tsx";
import { PageHead } from "../../parts/section.tsx";
import { Time } from "../../parts/values.tsx";
import { AttentionSection } from "./attention-section.tsx";
import { DrainButton } from "./drain-button.tsx";
import { HeldBackSection } from "./held-back-section.tsx";
import { RunningSection } from "./running-section.tsx";
import { RunsSection } from "./runs-section.tsx";
import { SpendSection } from "./spend-section.tsx";
import { StopAllButton } from "./stop-all.tsx";
import { needing, summaryText } from "./summary.ts";
import { TriggersSection } from "./triggers-section.tsx";
import { WaitingSection } from "./waiting-section.tsx";

export type Overview = Printed<OverviewDocument>;

/** Tools, output and spend of running workers change without an event that is worth sending to everybody. */
const repeatMs = 2000;

export function NowView(): JSX.Element {
  const { data, error, refresh } = useLive(
    (signal) => get<OverviewDocument>("/v1/overview", {}, signal),
    { topics: ["jobs", "workflows", "triggers", "daemon"] },
    [],
  );
  useRepeat(repeatMs, refresh);
  return (
    <>
      <PageHead
        title={<>Now {data !== null && data.ready !== "ready" && <Badge state={data.ready} />}</>}
        actions={
          <>
            <DrainButton onDone={refresh} />
            <StopAllButton onDone={refresh} />
          </>
        }
      />
      <p class="summary" aria-live="polite">
        {data === null ? "" : summaryText(data)}
      </p>
      <ErrorNote error={error} />
      {error !== null && data !== null && (
        <p class="faint">
          What is shown is from <Time at={data.at} />.
        </p>
      )}
      {data === null && error === null && <Loading />}
      {data !== null && <Overview overview={data} onChange={refresh} />}
    </>
  );
}

interface OverviewProps {
  readonly overview: Overview;
  readonly onChange: () => void;
}

function Overview({ overview, onChange }: OverviewProps): JSX.Element {
  return (
    <div class="now">
      <div class="now-main">
        <AttentionSection attention={needing(overview.attention)} onChange={onChange} />
        <RunningSection overview={overview} onChange={onChange} />
        <RunsSection runs={overview.runs} />
        <WaitingSection overview={overview} />
      </div>
      <div class="now-side">
        <SpendSection overview={overview} />
        <HeldBackSection overview={overview} onChange={onChange} />
        <TriggersSection triggers={overview.triggers} />
      </div>
    </div>
  );
}
