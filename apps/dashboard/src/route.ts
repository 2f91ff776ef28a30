/** The address of the page as a signal. Links inside the page change it without loading anything. */
import { signal, type ReadonlySignal } from "@preact/signals";

export interface Route {
  /** Decoded segments: `/runs/a%2Fb` is `["runs", "a/b"]`. The first screen is `[]`. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

export function parseRoute({ pathname, search }: { pathname: string; search: string }): Route {
  const path = pathname.split("/").filter((segment) => segment !== "");
  return { path: path.map(decoded), query: new URLSearchParams(search) };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** An address from segments, which may hold any character. A query value that is null or undefined is left out. */
export function hrefOf(
  path: readonly string[],
  query: Readonly<Record<string, string | null | undefined>> = {},
): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) search.set(name, value);
  }
  const text = search.toString();
  return `/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

const isBrowser = typeof window !== "undefined";
const current = signal<Route>(isBrowser ? parseRoute(location) : { path: [], query: new URLSearchParams() });

export const route: ReadonlySignal<Route> = current;

if (isBrowser) window.addEventListener("popstate", () => (current.value = parseRoute(location)));

/** Default: adds an entry to the history. */
export function go(href: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  const before = location.pathname;
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  current.value = parseRoute(location);
  if (location.pathname !== before) scrollTo(0, 0);
}

/** Changes parts of the query in place; null removes one. A change of filters adds nothing to the history. */
export function setQuery(changes: Readonly<Record<string, string | null>>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  go(`${location.pathname}${text === "" ? "" : `?${text}`}`, { replace: true });
}
