/** Which view an address shows. */
import type { JSX } from "preact";
import { BudgetsView } from "./views/budgets/budgets-view.tsx";
import { DeadLettersView } from "./views/dead-letters/dead-letters-view.tsx";
import { EventView } from "./views/events/event-view.tsx";
import { EventsView } from "./views/events/events-view.tsx";
import { FiringView } from "./views/events/firing-view.tsx";
import { JobView } from "./views/jobs/job-view.tsx";
import { JobsView } from "./views/jobs/jobs-view.tsx";
import { NowView } from "./views/now/now-view.tsx";
import { RunView } from "./views/runs/run-view.tsx";
import { RunsView } from "./views/runs/runs-view.tsx";
import { TriggerView } from "./views/triggers/trigger-view.tsx";
import { TriggersView } from "./views/triggers/triggers-view.tsx";

export interface Place {
  readonly href: string;
  readonly title: string;
}

/** In the order of the navigation. */
export const places: readonly Place[] = [
  { href: "/", title: "Now" },
  { href: "/jobs", title: "Jobs" },
  { href: "/runs", title: "Runs" },
  { href: "/triggers", title: "Triggers" },
  { href: "/events", title: "Events" },
  { href: "/dead", title: "Dead letters" },
  { href: "/budgets", title: "Budgets" },
];

interface ViewEntry {
  readonly title: string;
  readonly list: (() => JSX.Element) | null;
  /** Of one of them, which the second segment names. */
  readonly one: (() => JSX.Element) | null;
}

const entries: Readonly<Record<string, ViewEntry>> = {
  jobs: { title: "Jobs", list: JobsView, one: JobView },
  runs: { title: "Runs", list: RunsView, one: RunView },
  dead: { title: "Dead letters", list: DeadLettersView, one: null },
  budgets: { title: "Budgets", list: BudgetsView, one: null },
  triggers: { title: "Triggers", list: TriggersView, one: TriggerView },
  events: { title: "Events", list: EventsView, one: EventView },
  firings: { title: "Firing", list: null, one: FiringView },
};

export interface FoundView {
  readonly title: string;
  readonly View: () => JSX.Element;
}

/** Null: there is nothing at this address. */
export function viewOf([first, second, third]: readonly string[]): FoundView | null {
  if (first === undefined) return { title: "Now", View: NowView };
  const entry = Object.hasOwn(entries, first) ? entries[first] : undefined;
  if (entry === undefined || third !== undefined) return null;
  const View = second === undefined ? entry.list : entry.one;
  return View === null
    ? null
    : { title: second === undefined ? entry.title : `${entry.title}: ${second}`, View };
}
