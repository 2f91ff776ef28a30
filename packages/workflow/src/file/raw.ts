/**
 * A workflow file in the form that the checks read: unvalidated content. The schema may have found errors in it; the checks
 * skip everything that does not have the expected shape, so that the errors of both are reported together.
 */
export type Raw = Readonly<Record<string, unknown>>;
export type Path = readonly (string | number)[];

/** `at` says whether the key or its value is wrong. */
export type Report = (path: Path, message: string, at?: "key" | "value") => void;

export function rawOf(value: unknown): Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Raw) : {};
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The steps of a file and their dependencies. Created once per file, since all checks use it. */
export interface RawSteps {
  /** In the order of the file, with those of `finally` last and the file's defaults in each. */
  readonly byId: ReadonlyMap<string, Raw>;
  readonly ids: readonly string[];
  /** Whether it is one of `finally`. */
  readonly isFinal: (id: string) => boolean;
  /** Where the step, or a part of it, is in the file. */
  readonly pathOf: (id: string, ...rest: Path) => Path;
  /** The step's own `depends_on`. Unknown ids are ignored. */
  readonly dependencies: (id: string) => readonly string[];
  /** What a step waits for, directly or through others: in `finally`, all steps outside it. Cycles and unknown ids are ignored. */
  waitsFor(id: string): { has(other: string): boolean };
}
