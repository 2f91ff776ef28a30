/**
 * The state of the live screen: the tree of a run's steps with their activity, and the selection. It gets the run's events
 * and keys; `live-rows.ts` makes rows of it, `live-frame.ts` lines. Steps of a matrix are below the file's step, steps of a
 * sub-workflow below theirs. Mutable, because it handles thousands of events a second: one event updates one step. Bounded:
 * a step keeps the last lines of its output, an ended step a few of them.
 */
import {
  nodesWithin,
  workflowGraph,
  type StepReport,
  type Workflow,
  type WorkflowEvent,
} from "@agentcore/workflow";
import { cutLine, type Line } from "../../screen/line.ts";
import { advance, emptyView, spentUsd, type RunView } from "../../screen/run-view.ts";
import { hasEnded, notificationText, waitingText } from "../status.ts";

export interface LiveNode {
  /** For a step, its id. For a step with a matrix, the id in the file, which no instance has. */
  readonly id: string;
  readonly label: string;
  readonly parent: string | null;
  /** In order of arrival. */
  readonly children: readonly string[];
  /** Null for a step with a matrix, whose instances are its children. */
  readonly report: StepReport | null;
  /** The view of its running job. */
  readonly view: RunView;
  /** The end of what its jobs did and printed, oldest first. */
  readonly log: readonly Line[];
}

export type Key = "up" | "down" | "first" | "last" | "toggle" | "follow";

type MutableNode = { -readonly [K in keyof LiveNode]: LiveNode[K] };

const noView = emptyView({ maxAttempts: 1, maxCostUsd: null });
const logLinesMax = 200;
const endedLogLinesMax = 20;
/** Columns kept of a line; no terminal shows more. */
const logColumnsMax = 500;

export interface LiveRunOptions {
  readonly workflow: Workflow;
  /** For the whole run; null: none. */
  readonly capUsd: number | null;
}

export class LiveRun {
  readonly capUsd: number | null;
  readonly #nodes = new Map<string, MutableNode>();
  readonly #roots: string[] = [];
  readonly #loopMax: ReadonlyMap<string, number>;
  /** Nodes that the user opened or closed. */
  readonly #opened = new Map<string, boolean>();
  #selected: string | null = null;
  #follows = true;
  name = "";
  run = "";
  startedAt: number | null = null;
  /** A message of this program, such as what Ctrl-C has done. */
  remark: string | null = null;

  constructor({ workflow, capUsd }: LiveRunOptions) {
    this.capUsd = capUsd;
    this.#loopMax = new Map(
      nodesWithin(workflowGraph(workflow)).flatMap(({ path, step: { loop } }) =>
        loop === null ? [] : [[path, loop.maxIterations] as const],
      ),
    );
  }

  apply(event: WorkflowEvent): void {
    switch (event.type) {
      case "run_started":
        this.name = event.name;
        this.run = event.run;
        this.startedAt ??= event.at;
        for (const id of event.steps) this.#ensure(id);
        break;
      case "notification_failed":
        this.remark = notificationText(event);
        break;
      case "run_waiting":
        this.remark = waitingText(event);
        break;
      case "step_changed":
        if (this.remark?.startsWith("WAITING ") === true) this.remark = null;
        this.#changeStep(event.step);
        break;
      case "job_event": {
        const node = this.#ensure(event.step);
        const { view, lines } = advance(node.view, event.event);
        node.view = view;
        const kept = lines.map((line) => cutLine(line, logColumnsMax));
        if (kept.length > 0) node.log = [...node.log, ...kept].slice(-logLinesMax);
        break;
      }
      case "run_ended":
        break;
    }
    if (this.#follows) this.#selected = this.#active() ?? this.#selected;
  }

  press(key: Key): void {
    const visible = this.visible();
    const at = visible.findIndex(({ id }) => id === this.#selected);
    const moveTo = (index: number): void => {
      this.#follows = false;
      this.#selected = visible[Math.min(Math.max(0, index), visible.length - 1)]?.id ?? null;
    };
    switch (key) {
      case "up":
        return moveTo(at - 1);
      case "down":
        return moveTo(at + 1);
      case "first":
        return moveTo(0);
      case "last":
        return moveTo(visible.length - 1);
      case "toggle": {
        const node = visible[at];
        if (node !== undefined && node.children.length > 0) this.#opened.set(node.id, !this.isOpen(node));
        return;
      }
      case "follow":
        this.#follows = true;
        this.#selected = this.#active() ?? this.#selected;
    }
  }

  /** Null before the first step is known. */
  get selected(): LiveNode | null {
    return this.#nodes.get(this.#selected ?? this.#roots[0] ?? "") ?? null;
  }

  /** Top to bottom, without the content of closed nodes. */
  visible(): readonly LiveNode[] {
    const found: LiveNode[] = [];
    const visit = (id: string): void => {
      const node = this.#nodes.get(id);
      if (node === undefined) return;
      found.push(node);
      if (node.children.length > 0 && this.isOpen(node)) node.children.forEach(visit);
    };
    this.#roots.forEach(visit);
    return found;
  }

  /** Unless the user opened or closed it, a step is open while something in it works or waits for somebody. */
  isOpen(node: LiveNode): boolean {
    return this.#opened.get(node.id) ?? this.#reportsBelow(node).some(isSeen);
  }

  depthOf({ parent }: LiveNode): number {
    const above = parent === null ? undefined : this.#nodes.get(parent);
    return above === undefined ? 0 : this.depthOf(above) + 1;
  }

  /** Reports of the step; for a step with a matrix, those of its instances. */
  reportsOf(node: LiveNode): readonly StepReport[] {
    if (node.report !== null) return [node.report];
    return node.children.flatMap((id) => this.#nodes.get(id)?.report ?? []);
  }

  /** Most iterations of a step with a loop. */
  loopMaxOf({ id }: LiveNode): number | null {
    return this.#loopMax.get(id.replaceAll(/\[[^\]/]*\]/g, "")) ?? null;
  }

  /** Includes what its running jobs have reported so far. */
  costUsdOf(node: LiveNode): number {
    const below = node.children.flatMap((id) => this.#nodes.get(id) ?? []);
    const inside = below.reduce((sum, child) => sum + this.costUsdOf(child), 0);
    if (node.report === null) return inside;
    const costUsd = node.report.costUsd ?? 0;
    return isActive(node.report) ? costUsd + (spentUsd(node.view) ?? 0) + inside : costUsd;
  }

  /** For the whole run: its cost, and how many steps exist, work and have ended. */
  totals(): {
    readonly costUsd: number;
    readonly steps: number;
    readonly active: number;
    readonly ended: number;
  } {
    const roots = this.#roots.flatMap((id) => this.#nodes.get(id) ?? []);
    const reports = roots.flatMap((node) => this.reportsOf(node));
    return {
      costUsd: roots.reduce((sum, node) => sum + this.costUsdOf(node), 0),
      steps: reports.length,
      active: reports.filter(isActive).length,
      ended: reports.filter(hasEnded).length,
    };
  }

  #changeStep(report: StepReport): void {
    const node = this.#ensure(report.id);
    const began = report.status === "RUNNING" && report.attempts !== node.report?.attempts;
    if (began) {
      // A sub-workflow begins again: the former state of its steps is in the report.
      for (const id of node.children) this.#remove(id);
      node.children = [];
    }
    node.report = report;
    node.view = noView;
    if (hasEnded(report)) node.log = node.log.slice(-endedLogLinesMax);
  }

  #remove(id: string): void {
    for (const child of this.#nodes.get(id)?.children ?? []) this.#remove(child);
    this.#nodes.delete(id);
  }

  /** `sub/unit[os=linux]` is in `sub/unit`, which is in `sub`. */
  #ensure(id: string): MutableNode {
    const known = this.#nodes.get(id);
    if (known !== undefined) return known;
    const slash = id.lastIndexOf("/");
    const name = id.slice(slash + 1);
    const bracket = name.indexOf("[");
    const above = bracket > 0 ? id.slice(0, slash + 1 + bracket) : id.slice(0, Math.max(0, slash));
    const parent = above === "" ? null : this.#group(above);
    const group = parent === null || bracket <= 0 ? undefined : this.#nodes.get(parent);
    // The instances of its matrix are known now: the step has no report of its own any more.
    if (group !== undefined) group.report = null;
    const label = bracket > 0 ? name.slice(bracket) : name;
    return this.#add({ id, label, parent, children: [], report: pending(id), view: noView, log: [] });
  }

  /** A node that contains others: an existing step, or a name that steps share. */
  #group(id: string): string {
    if (this.#nodes.has(id)) return id;
    const slash = id.lastIndexOf("/");
    const parent = slash < 0 ? null : this.#group(id.slice(0, slash));
    this.#add({ id, label: id.slice(slash + 1), parent, children: [], report: null, view: noView, log: [] });
    return id;
  }

  #add(node: MutableNode): MutableNode {
    this.#nodes.set(node.id, node);
    const above = node.parent === null ? undefined : this.#nodes.get(node.parent);
    if (above === undefined) this.#roots.push(node.id);
    else above.children = [...above.children, node.id];
    return node;
  }

  /** The selected step while it works; otherwise the first working step, the innermost. */
  #active(): string | null {
    const works = (id: string): boolean => {
      const node = this.#nodes.get(id);
      return node !== undefined && node.report !== null && isActive(node.report);
    };
    const innermost = (id: string): string => {
      const inside = this.#nodes.get(id)?.children.find(works);
      return inside === undefined ? id : innermost(inside);
    };
    if (this.#selected !== null && works(this.#selected)) return innermost(this.#selected);
    for (const id of this.#roots) {
      const first = works(id) ? id : this.#nodes.get(id)?.children.find(works);
      if (first !== undefined) return innermost(first);
    }
    return null;
  }

  #reportsBelow(node: LiveNode): readonly StepReport[] {
    return node.children.flatMap((id) => {
      const child = this.#nodes.get(id);
      return child === undefined ? [] : this.reportsOf(child);
    });
  }
}

export const isActive = ({ status }: StepReport): boolean => status === "RUNNING" || status === "CHECKING";

/** It works, or somebody has to answer it: its line is always there. */
export const isSeen = (report: StepReport): boolean => isActive(report) || report.status === "WAITING";

function pending(id: string): StepReport {
  return {
    id,
    status: "PENDING",
    reason: "",
    errorClass: null,
    code: null,
    attempts: 0,
    iterations: 0,
    loops: false,
    cached: false,
    cacheMiss: null,
    taken: false,
    retryAt: null,
    downtimeMs: 0,
    startedAt: null,
    endedAt: null,
    costUsd: null,
    jobId: null,
    output: "",
    log: null,
    isTolerated: false,
    isFinal: false,
    approval: null,
    tokens: 0,
    artifacts: [],
    values: {},
  };
}
