/** What the lists of the page share: rows that are read again when something changes, and more of them on request. */
import type { Printed } from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, type ListDocument, type Query } from "../api/call.ts";
import { useLive, type Live, type LiveQuery } from "../live/live.ts";
import { Pager } from "../parts/pager.tsx";

export interface LiveList<T> extends Omit<Live<unknown>, "data"> {
  readonly items: readonly Printed<T>[];
  /** Below the rows: asks for more. */
  readonly pager: JSX.Element;
}

const firstRows = 50;
/** The most that one request answers. */
const rowsMax = 1000;

/** The newest rows of a list of the API; `query`: its conditions. */
export function useList<T>(path: string, query: Query, on: LiveQuery): LiveList<T> {
  const [limit, setLimit] = useState(firstRows);
  const { data, ...live } = useLive((signal) => get<ListDocument<T>>(path, { ...query, limit }, signal), on, [
    path,
    JSON.stringify(query),
    limit,
  ]);
  const next = limit < rowsMax ? (data?.next ?? null) : null;
  const more = (): void => setLimit(Math.min(rowsMax, limit * 4));
  return {
    ...live,
    items: data?.items ?? [],
    pager: <Pager next={next} onNext={more} isLoading={live.loading} />,
  };
}
