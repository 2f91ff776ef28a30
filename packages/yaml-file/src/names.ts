/**
 * Checks names of a mapping that would become another name, or none, when they are read: a number that YAML writes
 * differently (`007` is 7), and the one name that JavaScript reserves. Also checks for values that no program can use:
 * values with a NUL character, and values nested too deeply.
 */
import type { YamlIssue, YamlPlaces, YamlSource } from "./yaml-source.ts";

/** Deeper values are refused, because their readers are recursive. */
const depthMax = 100;

/** Looks without places first, since they are slow to find and nearly no file needs them here. */
export async function nameIssues(source: YamlSource & { ok: true }): Promise<YamlIssue[]> {
  return issuesIn(source.value, nowhere).length === 0 ? [] : issuesIn(source.value, await source.places());
}

/** Any name that may be written differently is. */
const nowhere: Pick<YamlPlaces, "placeOfValue" | "placeOfKey" | "textOfKey"> = {
  placeOfValue: () => ({ line: 1, column: 1 }),
  placeOfKey: () => ({ line: 1, column: 1 }),
  textOfKey: () => "",
};

function issuesIn(whole: unknown, source: typeof nowhere): YamlIssue[] {
  const issues: YamlIssue[] = [];
  /** Of the value that is visited. */
  const path: (string | number)[] = [];
  visit(whole);
  return issues;

  function visit(value: unknown): void {
    if (issues.length > 0) return;
    if (typeof value === "string" && value.includes("\0")) {
      issues.push({ ...source.placeOfValue(path), message: "the text holds a NUL character; leave it out" });
    }
    if (typeof value !== "object" || value === null) return;
    if (path.length > depthMax) {
      issues.push({ ...source.placeOfValue(path), message: `values are nested deeper than ${depthMax}` });
    } else if (Array.isArray(value)) {
      value.forEach((item, index) => visitBelow(index, item));
    } else {
      const mapping = value as Readonly<Record<string, unknown>>;
      for (const name of Object.keys(mapping)) visitBelow(name, mapping[name]);
    }
  }

  function visitBelow(key: string | number, value: unknown): void {
    path.push(key);
    const message = typeof key === "string" ? problemOf(key) : null;
    if (message !== null) issues.push({ ...source.placeOfKey(path), message });
    visit(value);
    path.pop();
  }

  function problemOf(name: string): string | null {
    if (name === "__proto__") return `the name "${name}" cannot be used; write another one`;
    if (!mayBeNumber.test(name)) return null;
    const written = source.textOfKey(path);
    if (written === undefined || written === name) return null;
    return `the name ${written} is read as ${name}; put it in quotes`;
  }
}

/** JavaScript's text for a value that is not a string. */
const mayBeNumber = /^(?:-?\d|-?Infinity|NaN|true|false|null)/;
