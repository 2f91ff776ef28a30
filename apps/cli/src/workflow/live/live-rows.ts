/**
 * Chooses the rows of the tree that fit: all of them, or with neighbors folded into rows that count them. Active and
 * selected steps are never folded. Pure.
 */
import type { StepReport } from "@agentcore/workflow";
import { shownStatus, statusLabel } from "../status.ts";
import { isSeen, type LiveNode, type LiveRun } from "./live-run.ts";

export type Row =
  | { readonly kind: "node"; readonly node: LiveNode }
  /** Neighbors of the same depth, counted by the label of their state. */
  | { readonly kind: "folded"; readonly depth: number; readonly counts: ReadonlyMap<string, number> }
  /** Rows that are out of sight. */
  | { readonly kind: "beyond"; readonly count: number; readonly where: "above" | "below" };

/** Aims at `rows`; up to `rowsMax` are used if the working steps need more. */
export function rowsThatFit(live: LiveRun, rows: number, rowsMax: number): readonly Row[] {
  const nodes = live.visible();
  const all = nodes.map((node): Row => ({ kind: "node", node }));
  if (all.length <= rows) return all;
  const settled = fold(live, nodes, (reports) => reports.every(isUneventful));
  if (settled.length <= rows) return settled;
  const busy = fold(live, nodes, (reports) => !reports.some(isSeen));
  return busy.length <= rowsMax ? busy : windowed(live, busy, rowsMax);
}

const uneventful: ReadonlySet<StepReport["status"]> = new Set(["PENDING", "READY", "SUCCEEDED", "SKIPPED"]);
const isUneventful = ({ status }: StepReport): boolean => uneventful.has(status);

function fold(
  live: LiveRun,
  nodes: readonly LiveNode[],
  mayFold: (reports: readonly StepReport[]) => boolean,
): readonly Row[] {
  const { selected } = live;
  const rows: Row[] = [];
  let run: LiveNode[] = [];
  const end = (): void => {
    const [first] = run;
    if (run.length === 1 && first !== undefined) rows.push({ kind: "node", node: first });
    else if (first !== undefined)
      rows.push({ kind: "folded", depth: live.depthOf(first), counts: countsOf(live, run) });
    run = [];
  };
  for (const node of nodes) {
    const folds = node !== selected && mayFold(live.reportsOf(node)) && !holds(live, node, selected);
    if (!folds || run[0]?.parent !== node.parent) end();
    if (folds) run.push(node);
    else rows.push({ kind: "node", node });
  }
  end();
  return rows;
}

/** An open node is the heading of the rows below it. */
function holds(live: LiveRun, node: LiveNode, selected: LiveNode | null): boolean {
  return node.children.length > 0 && live.isOpen(node) && (selected?.id.startsWith(node.id) ?? false);
}

function countsOf(live: LiveRun, nodes: readonly LiveNode[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const report of nodes.flatMap((node) => live.reportsOf(node))) {
    const { text } = statusLabel(shownStatus(report));
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** As many rows as fit around the selected one, and how many are out of sight. */
function windowed(live: LiveRun, all: readonly Row[], rows: number): readonly Row[] {
  const selected = all.findIndex((row) => row.kind === "node" && row.node === live.selected);
  const at = Math.max(0, selected);
  if (rows < 3) return all.slice(at, at + 1);
  const beyond = (count: number, where: "above" | "below"): Row => ({ kind: "beyond", count, where });
  const oneLess = rows - 1;
  if (at < oneLess) return [...all.slice(0, oneLess), beyond(all.length - oneLess, "below")];
  if (at >= all.length - oneLess) return [beyond(all.length - oneLess, "above"), ...all.slice(-oneLess)];
  const start = at - Math.floor((rows - 2) / 2);
  const end = start + rows - 2;
  return [beyond(start, "above"), ...all.slice(start, end), beyond(all.length - end, "below")];
}
