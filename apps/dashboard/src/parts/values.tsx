/** Values in the text of a view. A value that is not known is a dash. */
import type { JSX } from "preact";
import { absoluteText, durationText, momentMs, moneyText, relativeText, type Moment } from "../format.ts";
import { clock } from "../live/clock.ts";

const Unknown = (): JSX.Element => (
  <span class="faint" title="not known">
    –
  </span>
);

/** How long ago or until; the moment itself is its title. */
export function Time({ at: moment }: { readonly at: Moment | null | undefined }): JSX.Element {
  if (moment === null || moment === undefined) return <Unknown />;
  const at = momentMs(moment);
  return (
    <time dateTime={new Date(at).toISOString()} title={absoluteText(at)}>
      {relativeText(at, clock.value)}
    </time>
  );
}

/** How long since the moment, counting. */
export function Age({ since: moment }: { readonly since: Moment | null | undefined }): JSX.Element {
  if (moment === null || moment === undefined) return <Unknown />;
  const since = momentMs(moment);
  const ms = Math.max(0, clock.value - since);
  return (
    <time class="number" dateTime={new Date(since).toISOString()} title={`since ${absoluteText(since)}`}>
      {durationText(Math.floor(ms / 1000) * 1000)}
    </time>
  );
}

export function Money({ usd }: { readonly usd: number | null | undefined }): JSX.Element {
  return usd === null || usd === undefined ? <Unknown /> : <span class="number">{moneyText(usd)}</span>;
}

export function Duration({ ms }: { readonly ms: number | null | undefined }): JSX.Element {
  return ms === null || ms === undefined ? <Unknown /> : <span class="number">{durationText(ms)}</span>;
}

const generated = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The end of a generated id, as the command line shows it; the whole id is its title. An id that somebody chose is shown whole. */
export function ShortId({ id }: { readonly id: string }): JSX.Element {
  return <code title={id}>{generated.test(id) ? id.slice(-8) : id}</code>;
}
