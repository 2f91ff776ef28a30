/**
 * Damages a worker's output at random, reproducibly: for tests which show that a reader survives anything. What is done:
 * bytes lost, lines cut, doubled and swapped, values replaced by others of every type, hostile keys, deep nesting, text
 * that is no JSON, and characters that break naive line splitting.
 */
import type { Random } from "@agentcore/contract";

const oddValues: readonly string[] = [
  "null",
  "true",
  "-1",
  "1e308",
  "9007199254740993",
  '""',
  '"\\u0000\\u2028\\ud800"',
  "[]",
  "[null,[[]],{}]",
  "{}",
  '{"__proto__":{"type":"x"},"constructor":1,"toString":null}',
  `${"[".repeat(200)}${"]".repeat(200)}`,
];

const oddLines: readonly string[] = [
  "",
  "   ",
  "not json",
  "null",
  "[]",
  '"text"',
  '{"type":null}',
  '{"type":"__proto__"}',
  '{"type":"result"}',
  "\u2028\u2029\uFEFF",
  "{",
  `{"type":"${"x".repeat(5000)}"}`,
];

/** One damaged copy of the lines. */
export function damage(lines: readonly string[], random: Random): string[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
  const at = (length: number): number => Math.floor(random.next() * length);
  return lines.flatMap((line) => {
    switch (at(12)) {
      case 0:
        return [];
      case 1:
        return [line, line];
      case 2:
        return [line.slice(0, at(line.length + 1))];
      case 3:
        return [line.slice(0, at(line.length + 1)) + pick(lines)];
      case 4:
        return [pick(oddLines), line];
      case 5:
      case 6:
      case 7:
        return [replaceValue(line, at, pick(oddValues))];
      case 8:
        return [pick(lines)];
      default:
        return [line];
    }
  });
}

/** Puts another value behind one of the colons. Naive on purpose: what comes out need not be JSON. */
function replaceValue(line: string, at: (length: number) => number, value: string): string {
  const colons = [...line.matchAll(/":/g)].map((match) => match.index + 2);
  const start = colons[at(colons.length)];
  if (start === undefined) return value;
  const rest = line.slice(start);
  const end = /^(?:"(?:[^"\\]|\\.)*"|[^,}\]]*)/.exec(rest)?.[0].length ?? 0;
  return `${line.slice(0, start)}${value}${rest.slice(end)}`;
}
