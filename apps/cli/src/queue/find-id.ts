/**
 * Finds the job or run that a person names: by its id, by the beginning or the end of it (the short id of a list), or as the
 * newest one.
 */
import { nearest } from "@agentcore/yaml-file";
import { shortId, shortIdsAmong } from "../screen/short-id.ts";
import { lastWord } from "./id-words.ts";

/** The shortest part of an id that is accepted. */
const partCharsMin = 6;
/** Most ids that are listed if a part fits several. */
const candidatesMax = 6;

/** Every id with this beginning is below this value, and lists descend from it. */
export const afterPrefix = (prefix: string): string => `${prefix}\uffff`;

export interface IdSource {
  /** `job` or `run`. */
  readonly what: string;
  /** The id itself, or the id that an alias stands for. */
  readonly exact: (text: string) => Promise<string | undefined>;
  /** Ids that begin or end so; at least `limit` of them if there are more. */
  readonly beginning: (text: string, limit: number) => Promise<readonly string[]>;
  readonly ending: (text: string, limit: number) => Promise<readonly string[]>;
  readonly newest: () => Promise<string | undefined>;
  /** What to say if there is no newest one. Default: that there is none yet. */
  readonly none?: () => Promise<string>;
  /** Some recent ids, to suggest one. */
  readonly recent: () => Promise<readonly string[]>;
}

/** The id, or why there is none. */
export type FoundId = { readonly id: string } | { readonly problem: string };

export async function findId(text: string, source: IdSource): Promise<FoundId> {
  const { what } = source;
  if (text === lastWord) {
    const id = await source.newest();
    if (id !== undefined) return { id };
    return { problem: (await source.none?.()) ?? `there is no ${what} yet` };
  }
  const exact = await source.exact(text);
  if (exact !== undefined) return { id: exact };
  const alike = text.length < partCharsMin ? [] : await idsAlike(text, source);
  const [only] = alike;
  if (only !== undefined && alike.length === 1) return { id: only };
  if (only !== undefined) return { problem: manyAlike(text, `${what}s`, alike) };
  const recent = await source.recent();
  const near = nearest(text, [...recent.map(shortId), ...recent]);
  return { problem: `there is no ${what} "${text}"${near === undefined ? "" : `; did you mean ${near}?`}` };
}

async function idsAlike(text: string, source: IdSource): Promise<readonly string[]> {
  const limit = candidatesMax + 1;
  const found = [await source.beginning(text, limit), await source.ending(text, limit)];
  return [...new Set(found.flat())];
}

function manyAlike(part: string, what: string, ids: readonly string[]): string {
  const named = ids.slice(0, candidatesMax).map(shortIdsAmong(ids));
  const many = ids.length > candidatesMax ? `more than ${candidatesMax}` : String(ids.length);
  const more = ids.length > candidatesMax ? ", …" : "";
  return `"${part}" matches ${many} ${what}: ${named.join(", ")}${more}; give one of these or more characters`;
}
