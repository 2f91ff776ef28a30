/** The conditions of a caller as a query to the store. */
import { AgentCoreError, omitUndefined, type ParsedJobFilter } from "@agentcore/contract";
import type { JobQuery } from "@agentcore/scheduler";

export function jobQueryOf(filter: ParsedJobFilter): JobQuery {
  const { state, label, id, idEnding, ...rest } = filter;
  // Assignment would lose a name such as `__proto__`, and a query without its condition matches every job.
  const labels = label === undefined ? undefined : Object.fromEntries([label].flat().map(labelOf));
  return omitUndefined({
    ...rest,
    states: manyOf(state),
    labels,
    ids: manyOf(id),
    idEndings: manyOf(idEnding),
  });
}

export const manyOf = <T>(value: T | T[] | undefined): readonly T[] | undefined =>
  value === undefined ? undefined : ([value].flat() as T[]);

function labelOf(text: string): [string, string] {
  const place = text.indexOf("=");
  return [text.slice(0, place), text.slice(place + 1)];
}

export interface Selection {
  readonly where?: ParsedJobFilter | undefined;
  readonly all?: boolean | undefined;
}

/** Throws `AC_API_REQUEST` unless either conditions or `all` are given. */
export function selectionOf({ where, all }: Selection): JobQuery {
  const query = jobQueryOf(where ?? {});
  if ((Object.keys(query).length === 0) === (all === true)) return query;
  throw new AgentCoreError(
    "AC_API_REQUEST",
    "which ones? give conditions in `where`, or `all: true`, but not both",
  );
}
