/** Values as text. */
import { formatDuration } from "@agentcore/contract";

const dash = "–";

/** ISO 8601, as the API writes moments, or ms since the epoch. */
export type Moment = string | number;

export const momentMs = (moment: Moment): number =>
  typeof moment === "number" ? moment : Date.parse(moment);

export function moneyText(usd: number | null): string {
  if (usd === null) return dash;
  if (usd === 0) return "$0";
  if (usd < 0.01) return `$${usd.toFixed(4)}`;
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

export function countText(count: number | null): string {
  return count === null ? dash : count.toLocaleString("en-US");
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

/** As the command line writes it: `3h12m`, `250ms`. */
export function durationText(ms: number | null): string {
  if (ms === null) return dash;
  return formatDuration(Math.max(0, ms));
}

/** `12s ago`, `in 3m`, or a date above a week. */
export function relativeText(at: number, now: number): string {
  const ms = Math.abs(now - at);
  if (ms < 1000) return "now";
  if (ms > 7 * 86_400_000) return new Date(at).toLocaleDateString("en-CA");
  const [unit, size] = units.find(([, size]) => ms >= size) ?? units[3];
  const text = `${Math.floor(ms / size)}${unit}`;
  return at > now ? `in ${text}` : `${text} ago`;
}

export function absoluteText(at: number): string {
  const date = new Date(at);
  const zone = -date.getTimezoneOffset() * 60_000;
  const local = new Date(at + zone).toISOString().slice(0, 19).replace("T", " ");
  const hours = Math.abs(zone) / 3_600_000;
  const clock = `${String(Math.floor(hours)).padStart(2, "0")}:${String((hours % 1) * 60).padStart(2, "0")}`;
  return `${local} ${zone < 0 ? "−" : "+"}${clock}`;
}

interface AttemptFacts {
  readonly attempt: number;
  readonly maxAttempts: number;
  /** The workflow run that the job is a step of; null for none. */
  readonly run: string | null;
}

/** A step is repeated by its workflow; the attempts of its job are only for a process that was lost. */
export const attemptText = ({ attempt, maxAttempts, run }: AttemptFacts): string =>
  run === null ? `${attempt} of ${maxAttempts}` : String(attempt);

export function bytesText(bytes: number | null): string {
  if (bytes === null) return dash;
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

// oxlint-disable-next-line no-control-regex -- They are what is looked for.
const escapes = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[@-Z\\-_])/g;
// oxlint-disable-next-line no-control-regex -- They are what is looked for.
const controls = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** Text of others as it can be shown: no terminal escapes, and controls of the terminal and of the writing direction as a sign. */
export function plainText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(escapes, "").replaceAll(controls, "\u{FFFD}");
}
