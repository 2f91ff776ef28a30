import type { OverviewRunning } from "@agentcore/contract";
import type { JSX } from "preact";
import type { Moment } from "../format.ts";
import { Badge } from "./badge.tsx";
import { Age } from "./values.tsx";

/** What the states of a running worker mean, whose names do not say it. */
const labels: Partial<Record<OverviewRunning["activity"], string>> = {
  waiting: "waiting for provider",
  streaming: "receiving an answer",
  tool: "runs a tool",
  looping: "repeats one request",
  finished: "finished, not exited",
};

/** The state of a running worker, and since when. */
export function ActivityBadge({
  activity,
  since,
}: {
  readonly activity: OverviewRunning["activity"];
  /** Absent from daemons of an earlier version. */
  readonly since: Moment | null | undefined;
}): JSX.Element {
  return (
    <>
      <Badge state={activity} label={labels[activity]} />
      {since !== null && since !== undefined && activity !== "working" && (
        <span class="faint small">
          {" "}
          for <Age since={since} />
        </span>
      )}
    </>
  );
}
