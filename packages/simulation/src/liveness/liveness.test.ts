/** How often the watchdog ends a run that is well, and misses one that is not, over labelled traces. */
import { expect, it } from "vitest";
import { healthyTraces } from "./healthy-traces.ts";
import { recordedTraces } from "./recorded-traces.ts";
import { stuckTraces } from "./stuck-traces.ts";
import { judge, type Judged } from "./trace.ts";

const traces = [...healthyTraces, ...stuckTraces];
const failures = (judged: readonly Judged[], verdict: Judged["verdict"]): string[] =>
  judged.filter((one) => one.verdict === verdict).map(({ trace }) => `${trace.worker}: ${trace.name}`);

it("with the evidence of the spend gate, no healthy run is ended and no result is lost", () => {
  const judged = traces.map((trace) => judge(trace, true));
  expect(judged.length).toBeGreaterThanOrEqual(75);
  expect(failures(judged, "false kill")).toEqual([]);
  expect(failures(judged, "result lost")).toEqual([]);
  // What is left to the time limit of the run, because a healthy run looks the same.
  expect(failures(judged, "miss")).toEqual([
    "claude: a response of keep-alives and nothing else",
    "claude: a tool hangs, and is said to run",
  ]);
});

it("from events alone, it ends healthy runs whose provider is slow, and misses those that print", () => {
  const judged = traces.map((trace) => judge(trace, false));
  expect(failures(judged, "false kill")).toEqual([
    "codex: a first byte after 14 minutes",
    "claude: a request that is given up after 10 minutes and answered at the second try",
    "claude: a thought of 26 minutes, told when it is over",
    "codex: a thought of 50 minutes, told when it is over",
    "codex: a slow drip: a chunk every 4 minutes for an hour",
  ]);
  expect(failures(judged, "result lost")).toEqual([]);
  expect(failures(judged, "miss")).toEqual([
    "claude: the provider never answers, while it prints on stderr",
    "claude: a response stops in the middle, while it prints on stderr",
    "codex: the connection is refused, and it tries again without end",
    "claude: useless answers that differ, four a minute",
    "claude: its log grows, and nothing else happens",
    "codex: its log grows, and nothing else happens",
    "claude: a tool hangs, and is said to run",
  ]);
});

it("recordings of the real workers, as they are, slower, broken off, and without their exit", () => {
  const judged = recordedTraces().map((trace) => judge(trace, false));
  expect(judged.length).toBeGreaterThanOrEqual(150);
  expect(failures(judged, "false kill")).toEqual([]);
  expect(failures(judged, "result lost")).toEqual([]);
  expect(failures(judged, "miss")).toEqual([]);
});
