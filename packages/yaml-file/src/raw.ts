/**
 * A file in the form that checks beyond its schema read: unvalidated content. The schema may have found errors in it; the
 * checks skip everything that does not have the expected shape, so that the errors of both are reported together.
 */
import type { YamlIssue, YamlSource } from "./yaml-source.ts";

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

/** `steps.a.outputs[0].name` */
export function dotted(path: Path): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${key}`))
    .join("");
}

/**
 * The reports with their places, which are read only if there is something to report. `writtenAt`: where the value at a path
 * is written, with words to add to the message.
 */
export async function placeReports(
  source: YamlSource & { ok: true },
  reports: readonly Parameters<Report>[],
  writtenAt: (path: Path) => { readonly path: Path; readonly note: string } = (path) => ({ path, note: "" }),
): Promise<readonly YamlIssue[]> {
  if (reports.length === 0) return [];
  const places = await source.places();
  return reports.map(([path, message, at]) => {
    const written = writtenAt(path);
    const place = at === "key" ? places.placeOfKey(written.path) : places.placeOfValue(written.path);
    return { ...place, message: `${dotted(path)}: ${message}${written.note}` };
  });
}
