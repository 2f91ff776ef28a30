/** Checks the changes of an iteration against `allowed_paths` and `max_changed_files`. Pure. */
import { matchesPath, type Observations } from "@agentcore/contract";
import type { Convergence } from "../definition.ts";

export interface ChangeVerdict {
  /** Fingerprints; empty: no violation. */
  readonly violations: readonly string[];
  readonly reason: string;
}

export interface ObservedChanges {
  readonly files: readonly string[];
  /** Why more may have changed; null: everything was compared. */
  readonly unknown: string | null;
}

export function observedOf(seen: Observations | undefined): ObservedChanges {
  const { filesChanged, incomplete } = seen ?? { filesChanged: null };
  const unknown = incomplete ?? (filesChanged === null ? "the workspace was not compared" : null);
  return { files: filesChanged ?? [], unknown };
}

const shownMax = 5;

/** `changed`: relative to the workspace. `always`: patterns of paths that never count, such as the context directory. */
export function judgeChanges(
  rules: Pick<Convergence, "allowedPaths" | "ignoredPaths" | "maxChangedFiles">,
  changed: readonly string[],
  always: readonly string[] = [],
): ChangeVerdict {
  const ignored = [...rules.ignoredPaths, ...always];
  const counted = changed.filter((path) => !ignored.some((pattern) => matchesPath(pattern, path)));
  const outside =
    rules.allowedPaths.length === 0
      ? []
      : counted.filter((path) => !rules.allowedPaths.some((pattern) => matchesPath(pattern, path)));
  const isTooMany = rules.maxChangedFiles !== null && counted.length > rules.maxChangedFiles;
  const reasons = [
    ...(outside.length === 0 ? [] : [`changed outside allowed_paths: ${shown(outside)}`]),
    ...(isTooMany ? [`${counted.length} files changed, and ${rules.maxChangedFiles} are allowed`] : []),
  ];
  return {
    violations: [
      ...outside.map((path) => `outside_allowed_paths:${path}`),
      ...(isTooMany ? ["too_many_changed_files"] : []),
    ],
    reason: reasons.join("; "),
  };
}

/** If the changes are unknown, nothing shows that the rules were kept. */
export function unjudgedChanges(reason: string): ChangeVerdict {
  return {
    violations: ["changes_not_known"],
    reason: `allowed_paths and max_changed_files cannot be judged: ${reason}`,
  };
}

function shown(paths: readonly string[]): string {
  const rest = paths.length - shownMax;
  return paths.slice(0, shownMax).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
