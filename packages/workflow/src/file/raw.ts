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

/** The steps of a file and how they wait for each other. Made once for a file, since all checks ask it. */
export interface RawSteps {
  /** In the order of the file. */
  readonly byId: ReadonlyMap<string, Raw>;
  readonly ids: readonly string[];
  /** Ids that a step waits for, directly or through others; cycles and unknown ids are passed over. Kept once asked for. */
  waitsFor(id: string): ReadonlySet<string>;
}

export function rawStepsOf(file: Raw): RawSteps {
  const byId = new Map(Object.entries(rawOf(file["steps"])).map(([id, step]) => [id, rawOf(step)]));
  const waits = new Map<string, ReadonlySet<string>>();
  return {
    byId,
    ids: [...byId.keys()],
    waitsFor(id) {
      const known = waits.get(id) ?? transitiveDependencies(byId, id);
      waits.set(id, known);
      return known;
    },
  };
}

export function dependenciesOf(step: Raw | undefined): readonly string[] {
  return listOf(step?.["depends_on"]).filter((id) => typeof id === "string");
}

function transitiveDependencies(steps: ReadonlyMap<string, Raw>, id: string): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [id];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const dependency of dependenciesOf(steps.get(at))) {
      if (!steps.has(dependency) || found.has(dependency)) continue;
      found.add(dependency);
      open.push(dependency);
    }
  }
  return found;
}
