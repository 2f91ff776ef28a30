/** The steps of a workflow file, in the form that the checks read: unvalidated content. */
import type { Path, Raw } from "@agentcore/yaml-file";

/** The steps of a file and their dependencies. Created once per file, since all checks use it. */
export interface RawSteps {
  /** In the order of the file, with those of `finally` last and the file's defaults in each. */
  readonly byId: ReadonlyMap<string, Raw>;
  readonly ids: readonly string[];
  /** Whether something else than a mapping is written in its place, such as a text. */
  readonly isShapeless: (id: string) => boolean;
  /** Whether it is one of `finally`. */
  readonly isFinal: (id: string) => boolean;
  /** Where the step, or a part of it, is in the file. */
  readonly pathOf: (id: string, ...rest: Path) => Path;
  /** The step's own `depends_on`. Unknown ids are ignored. */
  readonly dependencies: (id: string) => readonly string[];
  /** What a step waits for, directly or through others: in `finally`, all steps outside it. Cycles and unknown ids are ignored. */
  waitsFor(id: string): { has(other: string): boolean };
}
