/** Translates the input of a terminal in raw mode into keys. Pure. */
import type { Key } from "./live-run.ts";

export type Press = Key | "lines" | "pause" | "interrupt" | "suspend";

const presses: Readonly<Record<string, Press>> = {
  "\u001b[A": "up",
  "\u001bOA": "up",
  k: "up",
  "\u001b[B": "down",
  "\u001bOB": "down",
  j: "down",
  "\u001b[H": "first",
  "\u001bOH": "first",
  "\u001b[1~": "first",
  g: "first",
  "\u001b[F": "last",
  "\u001bOF": "last",
  "\u001b[4~": "last",
  G: "last",
  "\r": "toggle",
  "\n": "toggle",
  " ": "toggle",
  "\u001b": "follow",
  q: "lines",
  p: "pause",
  "\u0003": "interrupt",
  "\u001a": "suspend",
};

// A whole escape sequence is one key, known or not, so that its letters are not taken for others.
// eslint-disable-next-line no-control-regex
const sequence = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001bO[A-Za-z]|[\s\S]/gu;

/** Keys without a meaning here are omitted. */
export function pressesIn(input: string): readonly Press[] {
  return (input.match(sequence) ?? []).flatMap((key) => presses[key] ?? []);
}
