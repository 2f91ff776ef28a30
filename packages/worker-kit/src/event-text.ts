/**
 * Cuts free text for worker events, which have at most `eventTextCharsMax` characters; the log on disk has the rest.
 * Adapters use these builders for text of any length.
 */
import { eventTextCharsMax, type WorkerEvent } from "@agentcore/contract";

export interface BoundedText {
  readonly text: string;
  readonly truncated?: true;
}

/** The text, cut at `charsMax` with `truncated: true` if it was longer. A surrogate pair is never split. */
export function boundedText(text: string, charsMax = eventTextCharsMax): BoundedText {
  if (text.length <= charsMax) return { text };
  const last = text.charCodeAt(charsMax - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? charsMax - 1 : charsMax;
  return { text: ownText(text.slice(0, end)), truncated: true };
}

/** A substring in V8 keeps the whole long text in memory; a copy does not. */
function ownText(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}

/** One line for people: white space is collapsed, and a long text ends in an ellipsis. Default 200 characters. */
export function oneLine(text: string, charsMax = 200): string {
  const line = text
    .slice(0, charsMax * 8)
    .replace(/\s+/g, " ")
    .trim();
  return line.length <= charsMax ? line : `${boundedText(line, charsMax - 1).text}…`;
}

export function textEvent(text: string): WorkerEvent {
  return { type: "text", ...boundedText(text) };
}
export function stdoutEvent(line: string): WorkerEvent {
  return { type: "stdout", ...boundedText(line) };
}
export function stderrEvent(line: string): WorkerEvent {
  return { type: "stderr", ...boundedText(line) };
}
export function rawEvent(line: string): WorkerEvent {
  return { type: "raw", ...boundedText(line) };
}
