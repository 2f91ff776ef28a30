import { expect, it } from "vitest";
import { SourceTally } from "./source-tally.ts";
import { recordedLog } from "../testing/sources.ts";

it("each kind of refusal of a source is logged once a minute, and counted always", () => {
  let nowMs = 0;
  const { log, lines } = recordedLog();
  const tally = new SourceTally({ clock: { monotonicMs: () => nowMs }, log });
  for (let minute = 0; minute < 2; minute += 1) {
    for (let time = 0; time < 1000; time += 1) tally.refuse("hook", "bad_signature", "Refused.");
    tally.refuse("hook", "too_large", "Too large.");
    nowMs += 60_000;
  }
  tally.count("hook", "accepted");
  expect(lines.map(({ kind, times }) => [kind, times])).toEqual([
    ["bad_signature", 1],
    ["too_large", 1],
    ["bad_signature", 1000],
    ["too_large", 1],
  ]);
  expect(tally.counts()).toEqual([
    { source: "hook", kind: "bad_signature", count: 2000 },
    { source: "hook", kind: "too_large", count: 2 },
    { source: "hook", kind: "accepted", count: 1 },
  ]);
});

it("what a stranger sent is cut and escaped in the log", () => {
  const { log, lines } = recordedLog();
  const tally = new SourceTally({ clock: { monotonicMs: () => 0 }, log });
  tally.refuse(null, "unknown_path", "No webhook.", { path: `/\u001b]0;owned\u0007${"x".repeat(10_000)}` });
  expect(String(lines[0]?.["path"])).toMatch(/^\/\\u001b\]0;owned\\u0007x+…$/);
  expect(JSON.stringify(lines[0]).length).toBeLessThan(500);
});
