/** The lists of a matrix that come from the values of earlier steps. Pure. */
import type { Step } from "../definition.ts";
import { textOfValue, valueIn, type Lookup } from "../expression.ts";
import { folderName } from "../folder-name.ts";

/** By key of the matrix. */
export type MatrixLists = Readonly<Record<string, readonly string[]>>;

export type ListsRead =
  | { readonly ok: true; readonly lists: MatrixLists }
  /** `reason` says what is wrong with which value. */
  | { readonly ok: false; readonly reason: string };

/** Most values of one list. */
const valuesMax = 256;
/** Most combinations of one step. */
const combinationsMax = 10_000;

/** Counts the combinations without making them. */
export function combinationsIn(matrix: Step["matrix"]): number {
  return [...matrix.values()].reduce((product, values) => product * values.length, 1);
}

export function readMatrixLists({ matrix, matrixLists }: Step, lookup: Lookup): ListsRead {
  const lists: Record<string, readonly string[]> = {};
  let combinations = combinationsIn(matrix);
  for (const [key, text] of matrixLists) {
    const written = textOfValue(valueIn(text, lookup));
    const list = listIn(written);
    if (typeof list === "string")
      return { ok: false, reason: `matrix.${key} has no list from ${text}: ${list} (AC_WORKFLOW_VALUE)` };
    lists[key] = list;
    combinations *= list.length;
  }
  if (combinations > combinationsMax)
    return {
      ok: false,
      reason: `its matrix has more than ${combinationsMax} combinations (AC_WORKFLOW_VALUE)`,
    };
  return { ok: true, lists };
}

const shownMax = 60;
const shown = (text: string): string =>
  JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text);

/** A text says what is wrong. */
function listIn(text: string): readonly string[] | string {
  if (text === "") return "the value is empty";
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return `${shown(text)} is not JSON`;
  }
  if (!Array.isArray(list)) return `${shown(text)} is not a list`;
  if (list.length > valuesMax) return `the list has ${list.length} values, more than ${valuesMax}`;
  const byFolder = new Map<string, string>();
  const texts: string[] = [];
  for (const value of list as readonly unknown[]) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
      return `the list holds ${shown(JSON.stringify(value))}, which is no text, number or boolean`;
    const own = String(value);
    if (own.includes("\0")) return "the list holds a text with a NUL character";
    const other = byFolder.get(folderName(own));
    if (other === own) return `the list holds ${shown(own)} twice`;
    if (other !== undefined) return `${shown(own)} and ${shown(other)} in the list make the same folder name`;
    byFolder.set(folderName(own), own);
    texts.push(own);
  }
  return texts;
}

/** The whole matrix, with these lists. */
export function matrixWith({ matrix, matrixLists }: Step, lists: MatrixLists): Step["matrix"] {
  return new Map([
    ...matrix,
    ...[...matrixLists.keys()].map(
      (key) => [key, (Object.hasOwn(lists, key) ? lists[key] : undefined) ?? []] as const,
    ),
  ]);
}
