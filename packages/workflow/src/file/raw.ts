/**
 * A workflow file as the checks look at it: whatever the text held, read without trust. The schema may have found mistakes
 * in it already; the checks pass over what has not the shape they need, so that all mistakes of both come out at once.
 */

export type Raw = Readonly<Record<string, unknown>>;
export type Path = readonly (string | number)[];

/** `at` says whether the key or its value is what is wrong. */
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

/** Steps in the order of the file. */
export function stepsOf(file: Raw): readonly (readonly [id: string, step: Raw])[] {
  return Object.entries(rawOf(file["steps"])).map(([id, step]) => [id, rawOf(step)] as const);
}

export function dependenciesOf(step: Raw): readonly string[] {
  return listOf(step["depends_on"]).filter((id) => typeof id === "string");
}

/** Ids that a step waits for, directly or through others; cycles and unknown ids are passed over. */
export function transitiveDependencies(file: Raw, id: string): ReadonlySet<string> {
  const steps = new Map(stepsOf(file));
  const found = new Set<string>();
  const open = [id];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const dependency of dependenciesOf(steps.get(at) ?? {})) {
      if (!steps.has(dependency) || found.has(dependency)) continue;
      found.add(dependency);
      open.push(dependency);
    }
  }
  return found;
}
