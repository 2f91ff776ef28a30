/**
 * The steps of a run as a tree: instances of a matrix beside each other, and the steps of a sub-workflow below the step that has
 * it. A step that has not begun is there too. Pure.
 */
import type { Printed, RunGraphDocument, RunStepDocument } from "@agentcore/contract";
import { durationText, momentMs, moneyText } from "../../format.ts";
import type { Tone } from "../../parts/badge-tones.ts";

export type Step = Printed<RunStepDocument>;
export type Graph = Printed<RunGraphDocument>;
type GraphNode = Graph["nodes"][number];

export interface TreeRow {
  /** Of the instance, or the path of a step that has none yet. */
  readonly key: string;
  /** 0 for steps of the run. */
  readonly depth: number;
  readonly node: GraphNode;
  /** Null: it has not begun, and what it is part of has not either. */
  readonly step: Step | null;
  readonly status: string;
}

/** In the order in which a tree is read: each step before what is below it. */
export function treeRows({ nodes }: Pick<Graph, "nodes">, steps: readonly Step[]): readonly TreeRow[] {
  const nodesOf = Map.groupBy(nodes, ({ parent }) => parent);
  const stepsOf = Map.groupBy(steps, ({ path, parent }) => JSON.stringify([path, parent]));
  const rowsBelow = (path: string | null, parentKey: string | null, depth: number): readonly TreeRow[] =>
    (nodesOf.get(path) ?? []).flatMap((node) => {
      const found = stepsOf.get(JSON.stringify([node.path, parentKey])) ?? [];
      const instances: readonly (Step | null)[] = found.length === 0 ? [null] : found;
      return instances.flatMap((step) => {
        const key = step?.key ?? (parentKey === null ? node.id : `${parentKey}/${node.id}`);
        const row = { key, depth, node, step, status: step === null ? "PENDING" : shownStatus(step) };
        return [row, ...rowsBelow(node.path, key, depth + 1)];
      });
    });
  return rowsBelow(null, null, 0);
}

/** What people see: a step did not run, even if others use what an earlier run left of it. */
const shownStatus = ({ status, taken }: Step): string => (taken ? "SKIPPED" : status);

const tones: Readonly<Record<string, Tone>> = {
  PENDING: "wait",
  READY: "wait",
  RUNNING: "busy",
  CHECKING: "busy",
  WAITING: "warn",
  SUCCEEDED: "good",
  FAILED: "bad",
  INCOMPLETE: "warn",
  TIMED_OUT: "bad",
  INTERRUPTED: "warn",
};

export const stepTone = (status: string): Tone => tones[status] ?? "off";

const wordOf = (status: string): string => status.toLowerCase().replaceAll("_", " ");

/** What needs attention first decides the color of a box. */
const worstFirst = [
  "FAILED",
  "WAITING",
  "RUNNING",
  "CHECKING",
  "INCOMPLETE",
  "CANCELLED",
  "READY",
  "PENDING",
  "SUCCEEDED",
  "SKIPPED",
];

export interface BoxState {
  readonly status: string;
  readonly text: string;
}

/** The state of all instances of a step, for its box in the drawing. */
export function boxState(rows: readonly TreeRow[], now: number): BoxState {
  const statuses = rows.map(({ status }) => status);
  const status = worstFirst.find((each) => statuses.includes(each)) ?? "PENDING";
  if (rows.length === 1) return { status, text: stateText(rows[0]?.step ?? null, status, now) };
  const counts = worstFirst.flatMap((each) => {
    const count = statuses.filter((one) => one === each).length;
    return count === 0 ? [] : [`${count} ${wordOf(each)}`];
  });
  return { status, text: counts.join(", ") };
}

function stateText(step: Step | null, status: string, now: number): string {
  const ms = step === null ? null : stepMs(step, now);
  return [
    wordOf(status),
    ...(step !== null && step.iterations > 1 ? [`${step.iterations}×`] : []),
    ...(ms === null ? [] : [durationText(ms)]),
    ...(step?.costUsd ? [moneyText(step.costUsd)] : []),
  ].join(" · ");
}

/** How long it worked, or has worked so far; null: it has not begun. */
export function stepMs({ startedAt, endedAt, downtimeMs }: Step, now: number): number | null {
  if (startedAt === null) return null;
  const end = endedAt === null ? now : momentMs(endedAt);
  return Math.max(0, end - momentMs(startedAt) - downtimeMs);
}

/** A line through the points, without corners. */
export function curve(points: readonly { readonly x: number; readonly y: number }[]): string {
  const at = ({ x, y }: { readonly x: number; readonly y: number }): string =>
    `${Math.round(x)} ${Math.round(y)}`;
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) return "";
  const bends = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? point;
    const isLast = index === rest.length - 2;
    const middle = { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${at(point)} ${at(isLast ? last : middle)}`;
  });
  return `M${at(first)}${bends.length === 0 ? `L${at(last)}` : bends.join("")}`;
}
