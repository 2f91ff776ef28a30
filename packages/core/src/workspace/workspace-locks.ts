/**
 * Locks directories for runs. A lock conflicts with locks on any directory above or below it, because both runs would
 * change the same files. A quarantined workspace (a run there could not be emptied, or the watchdog isolated it) refuses by
 * the same rule until the quarantine ends. Paths are compared after `.` and `..` are resolved: resolve symbolic links
 * first. Known paths are nodes of a tree, so that a decision takes a few pointer steps.
 */
import { dirname, resolve, sep } from "node:path";
import type { Denial } from "@agentcore/contract";

/** Nodes kept before idle ones are dropped. */
const nodesMax = 20_000;

export interface Quarantine extends Denial {
  /** Its end on the monotonic clock; `Infinity`: until lifted. */
  readonly untilMs: number;
}

export class WorkspaceNode {
  readonly path: string;
  readonly parent: WorkspaceNode | null;
  /** Permit that holds it, or null. */
  holder: string | null = null;
  quarantine: Quarantine | null = null;
  /** Locked and quarantined directories below this one. */
  busyBelow = 0;
  children = 0;

  constructor(path: string, parent: WorkspaceNode | null) {
    this.path = path;
    this.parent = parent;
  }
}

export class WorkspaceLocks {
  readonly #byPath = new Map<string, WorkspaceNode>();
  /** Requested spellings; several may name one node. */
  readonly #bySpelling = new Map<string, WorkspaceNode>();

  /** The node of a directory. Creates missing nodes, without a lock. */
  node(workspace: string): WorkspaceNode {
    const known = this.#bySpelling.get(workspace);
    if (known !== undefined) return known;
    if (this.#byPath.size >= nodesMax || this.#bySpelling.size >= nodesMax) this.#dropIdle();
    const node = this.#nodeOf(resolve(workspace));
    this.#bySpelling.set(workspace, node);
    return node;
  }

  #nodeOf(path: string): WorkspaceNode {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    const above = dirname(path);
    const parent = above === path ? null : this.#nodeOf(above);
    if (parent !== null) parent.children += 1;
    const node = new WorkspaceNode(path, parent);
    this.#byPath.set(path, node);
    return node;
  }

  #dropIdle(): void {
    this.#bySpelling.clear();
    // Children were inserted after their parents, so the reverse order visits children first.
    for (const node of [...this.#byPath.values()].reverse()) {
      if (node.holder !== null || node.quarantine !== null || node.children > 0) continue;
      this.#byPath.delete(node.path);
      if (node.parent !== null) node.parent.children -= 1;
    }
  }

  /** The holder of a lock that conflicts with one on this directory, or null. */
  conflict(node: WorkspaceNode): WorkspaceNode | null {
    for (let above: WorkspaceNode | null = node; above !== null; above = above.parent) {
      if (above.holder !== null) return above;
    }
    return node.busyBelow > 0 ? this.#firstBelow(node, (below) => below.holder !== null) : null;
  }

  /** The quarantine that applies to a run in this directory, or null. */
  quarantineAt(node: WorkspaceNode, nowMs: number): WorkspaceNode | null {
    const isOn = (at: WorkspaceNode) => at.quarantine !== null && nowMs < at.quarantine.untilMs;
    for (let above: WorkspaceNode | null = node; above !== null; above = above.parent) {
      if (isOn(above)) return above;
    }
    return node.busyBelow > 0 ? this.#firstBelow(node, isOn) : null;
  }

  #firstBelow(node: WorkspaceNode, matches: (below: WorkspaceNode) => boolean): WorkspaceNode | null {
    const prefix = node.path.endsWith(sep) ? node.path : node.path + sep;
    for (const other of this.#byPath.values()) {
      if (other.path.startsWith(prefix) && matches(other)) return other;
    }
    return null;
  }

  lock(node: WorkspaceNode, permitId: string): void {
    node.holder = permitId;
    addBelow(node, 1);
  }

  unlock(node: WorkspaceNode): void {
    node.holder = null;
    addBelow(node, -1);
  }

  /** Replaces an earlier quarantine of the same directory, unless the earlier one lasts longer. */
  quarantine(workspace: string, quarantine: Quarantine): void {
    const node = this.node(workspace);
    if (node.quarantine === null) addBelow(node, 1);
    if (node.quarantine === null || node.quarantine.untilMs <= quarantine.untilMs)
      node.quarantine = quarantine;
  }

  /** Returns whether there was one to lift. */
  liftQuarantine(workspace: string): boolean {
    const node = this.node(workspace);
    if (node.quarantine === null) return false;
    node.quarantine = null;
    addBelow(node, -1);
    return true;
  }

  /** Removes quarantines that have ended. */
  liftExpired(nowMs: number): void {
    for (const node of this.#byPath.values()) {
      if (node.quarantine !== null && node.quarantine.untilMs <= nowMs) this.liftQuarantine(node.path);
    }
  }

  /** Directories under quarantine now. */
  quarantined(nowMs: number): string[] {
    const nodes = [...this.#byPath.values()];
    return nodes.filter((node) => (node.quarantine?.untilMs ?? -Infinity) > nowMs).map((node) => node.path);
  }
}

function addBelow(node: WorkspaceNode, change: 1 | -1): void {
  for (let above = node.parent; above !== null; above = above.parent) above.busyBelow += change;
}
