import type { OverviewDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { get } from "../../api/call.ts";
import { countText, moneyText, plainText } from "../../format.ts";
import { useLive } from "../../live/live.ts";
import { ActivityBadge } from "../../parts/activity.tsx";
import { Meter } from "../../parts/meter.tsx";
import { Facts } from "../../parts/section.tsx";
import { Time } from "../../parts/values.tsx";
import { fact } from "./fact.ts";

export interface RunningFactsProps {
  readonly id: string;
  /** Called when a call to the provider begins, ends or costs something. */
  readonly onCalls: () => void;
}

/** What a running worker does now, and what it has used so far. Nothing if the daemon does not tell. */
export function RunningFacts({ id, onCalls }: RunningFactsProps): JSX.Element | null {
  useLive(async () => onCalls(), { topics: ["output"], job: id, workerEvents: ["calls", "usage"] }, [id]);
  const { data } = useLive(
    (signal) => get<OverviewDocument>("/v1/overview", {}, signal),
    { topics: ["jobs", "output"], job: id },
    [id],
  );
  const now = data?.running.find(({ job }) => job === id);
  if (now === undefined) return null;
  const { activity, activityAt, tool, lastOutputAt, costUsd, maxCostUsd, tokens, maxTokens } = now;
  const used = (value: number | null, max: number | null, label: string, textOf: (value: number) => string) =>
    value === null ? null : (
      <Meter value={value} max={max} label={label}>
        {textOf(value)}
        {max !== null && ` of ${textOf(max)}`}
      </Meter>
    );
  return (
    <Facts
      items={[
        { term: "Now", value: <ActivityBadge activity={activity} since={activityAt} /> },
        ...fact("Tool", tool === null ? null : plainText(tool)),
        { term: "Last output", value: <Time at={lastOutputAt} /> },
        ...fact("Cost so far", used(costUsd, maxCostUsd, "Cost so far", moneyText)),
        ...fact("Tokens so far", used(tokens, maxTokens, "Tokens so far", countText)),
      ]}
    />
  );
}
