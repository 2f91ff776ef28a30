import type { JSX } from "preact";
import { Link } from "../../parts/link.tsx";

/** Jobs on a page. */
export const pageJobs = 100;

export interface PagesProps {
  /** Where the next page begins; null: this is the last. */
  readonly next: string | number | null;
  /** Of the address. */
  readonly query: URLSearchParams;
}

/** Links to the pages, so that each has an address. */
export function Pages({ next, query }: PagesProps): JSX.Element | null {
  const isFirst = !query.has("before");
  if (isFirst && next === null) return null;
  const href = (before: string | number | null): string => {
    const changed = new URLSearchParams(query);
    if (before === null) changed.delete("before");
    else changed.set("before", String(before));
    return `${location.pathname}?${changed.toString()}`;
  };
  return (
    <nav class="pager" aria-label="Pages">
      {!isFirst && <Link href={href(null)}>Newest</Link>}
      {next !== null && <Link href={href(next)}>Older</Link>}
    </nav>
  );
}
