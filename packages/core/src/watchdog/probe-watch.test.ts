import { probeSpecSchema, type ProbeOutput, type ProbeSpec } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { startProbeWatch, stepProbe, type ProbeReport, type ProbeWatch } from "./probe-watch.ts";

const specOf = (change: Partial<ProbeSpec> = {}): ProbeSpec => ({
  ...probeSpecSchema.parse({ command: "./look.sh", intervalMs: 1000 }),
  ...change,
});

const outputOf = (change: Partial<ProbeOutput>): ProbeOutput => ({
  exitCode: 0,
  stdout: "",
  stderr: "",
  failure: null,
  ...change,
});

/** A look that prints this object. */
const says = (answer: object, exitCode = 0): ProbeOutput =>
  outputOf({ stdout: JSON.stringify(answer), exitCode });

/** Plays looks one after another. Returns what each found, and why the run was stopped. */
function play(looks: readonly ProbeOutput[], change: Partial<ProbeSpec> = {}) {
  let watch: ProbeWatch = startProbeWatch(specOf(change), 0);
  const reports: ProbeReport[] = [];
  for (const [index, output] of looks.entries()) {
    const step = stepProbe(watch, { kind: "looked", output }, (index + 1) * 1000);
    watch = step.watch;
    if (step.report !== null) reports.push(step.report);
    if (step.stop !== null) return { looks: reports, stop: step.stop };
  }
  return { looks: reports, stop: null };
}

const progressing = says({ class: "progressing" });
const stalled = says({ class: "stalled" });
const terminal = says({ class: "terminal" });
const hung = outputOf({ exitCode: null, failure: "the probe took longer than 10 ms" });
const junk = outputOf({ stdout: "no idea\n" });

type Row = [
  what: string,
  looks: ProbeOutput[],
  spec: Partial<ProbeSpec>,
  found: string,
  stopCode: string | null,
];

describe("a run", () => {
  it.each<Row>([
    ["that gets on goes on", [progressing, progressing, progressing], {}, "progressing*3", null],
    ["stalled once goes on", [stalled, progressing, stalled], {}, "stalled,progressing,stalled", null],
    ["stalled as often as allowed is stopped", [stalled, stalled], {}, "stalled*2", "AC_PROBE_STALLED"],
    [
      "may be stalled as long as the threshold says",
      [stalled, stalled, stalled],
      { stallThreshold: 4 },
      "stalled*3",
      null,
    ],
    [
      "in a terminal state is stopped at once",
      [terminal],
      { stallThreshold: 9 },
      "terminal",
      "AC_PROBE_TERMINAL",
    ],
    [
      "whose digest stays is stalled",
      [says({ n: 1 }), says({ n: 1 })],
      {},
      "progressing,stalled",
      "AC_PROBE_STALLED",
    ],
    [
      "whose digest changes gets on",
      [says({ n: 1 }), says({ n: 2 }), says({ n: 3 })],
      {},
      "progressing*3",
      null,
    ],
    [
      "is told by the digest, not by what stands beside it",
      [says({ digest: "a", n: 1 }), says({ digest: "a", n: 2 })],
      {},
      "progressing,stalled",
      "AC_PROBE_STALLED",
    ],
    [
      "has the same digest whatever the order of keys",
      [says({ a: 1, b: { c: 2, d: 3 } }), says({ b: { d: 3, c: 2 }, a: 1 })],
      {},
      "progressing,stalled",
      "AC_PROBE_STALLED",
    ],
    [
      "that says it is stalled, with a digest that changes, is counted anew",
      [says({ class: "stalled", digest: "a" }), says({ class: "stalled", digest: "b" })],
      {},
      "stalled*2",
      null,
    ],
    [
      "that says it is stalled, with other words, is stalled",
      [says({ class: "stalled", reasons: ["a"] }), says({ class: "stalled", reasons: ["b"] })],
      {},
      "stalled*2",
      "AC_PROBE_STALLED",
    ],
    [
      "that says it gets on does, with the same digest too",
      [says({ class: "progressing", digest: "a" }), says({ class: "progressing", digest: "a" })],
      {},
      "progressing*2",
      null,
    ],
    [
      "may have a finding that does not stop it",
      [stalled, stalled, terminal],
      { stopsOn: [] },
      "stalled*2,terminal",
      null,
    ],
    [
      "may be stopped for one finding only",
      [stalled, stalled, terminal],
      { stopsOn: ["terminal"] },
      "stalled*2,terminal",
      "AC_PROBE_TERMINAL",
    ],
  ])("%s", (_what, looks, spec, found, code) => {
    const played = play(looks, spec);
    expect(compact(played.looks)).toBe(found);
    expect(played.stop?.cause.code ?? null).toBe(code);
    expect(played.stop?.finding.by ?? "answer").toBe("answer");
  });
});

describe("a look that gives no answer", () => {
  it.each<Row>([
    ["is ignored, however often", [hung, junk, hung, junk], {}, "error*4", null],
    [
      "counts as stalled at its threshold",
      [hung, hung, hung],
      { onError: "stall" },
      "error*3",
      "AC_PROBE_STALLED",
    ],
    [
      "counts as terminal at its threshold",
      [junk, junk],
      { onError: "terminal", errorThreshold: 2 },
      "error*2",
      "AC_PROBE_TERMINAL",
    ],
    [
      "is counted in a row",
      [hung, hung, progressing, hung, hung],
      { onError: "stall" },
      "error*2,progressing,error*2",
      null,
    ],
    [
      "says nothing about progress",
      [stalled, hung, stalled],
      {},
      "stalled,error,stalled",
      "AC_PROBE_STALLED",
    ],
    [
      "does not stop where its finding does not",
      [hung],
      { onError: "stall", errorThreshold: 1, stopsOn: ["terminal"] },
      "error",
      null,
    ],
  ])("%s", (_what, looks, spec, found, code) => {
    const played = play(looks, spec);
    expect(compact(played.looks)).toBe(found);
    expect(played.stop?.cause.code ?? null).toBe(code);
  });

  it.each<[string, ProbeOutput, Partial<ProbeSpec>, string]>([
    ["hangs", hung, {}, "the probe took longer than 10 ms"],
    ["prints words", junk, {}, "the probe did not print one JSON object"],
    [
      "prints nothing",
      outputOf({ exitCode: 127 }),
      {},
      "the probe did not print one JSON object, and it exited with code 127",
    ],
    ["prints two objects", outputOf({ stdout: "{}\n{}" }), {}, "the probe did not print one JSON object"],
    [
      "prints a list",
      outputOf({ stdout: "[]" }),
      {},
      "the probe's output is invalid: it: Invalid input: expected object, received array",
    ],
    ["has an unknown class", says({ class: "fine" }), {}, "the probe's output is invalid: class:"],
    [
      "has an endless fingerprint",
      says({ fingerprints: ["x".repeat(501)] }),
      {},
      "the probe's output is invalid: fingerprints.0:",
    ],
    [
      "exits with another code than 0 where that counts",
      says({ class: "progressing" }, 3),
      { requireZeroExit: true },
      "the probe exited with code 3",
    ],
  ])("says why: it %s", (_what, output, spec, why) => {
    const [look] = play([output], spec).looks;
    expect(look).toMatchObject({ found: "error", digest: null, reasons: [expect.stringContaining(why)] });
  });

  it("is none where the exit code does not count", () => {
    expect(compact(play([says({ class: "progressing" }, 3)]).looks)).toBe("progressing");
  });
});

it("a stop says what was found, in words and as data", () => {
  const answer = { fingerprints: ["db/locked"], reasons: ["no row for 5m"], summary: { rows: 7 } };
  const { stop } = play([stalled, says({ class: "stalled", ...answer })]);
  expect(stop).toEqual({
    finding: { class: "stalled", by: "answer", ...answer },
    cause: {
      kind: "stalled",
      code: "AC_PROBE_STALLED",
      message: "the probe found the run stalled 2 times in a row: no row for 5m",
      evidence: {
        found: "stalled",
        by: "answer",
        inRow: 2,
        fingerprints: ["db/locked"],
        reasons: ["no row for 5m"],
      },
    },
  });
});

describe("the next look", () => {
  const due = (nowMs: number, watch: ProbeWatch) => stepProbe(watch, { kind: "tick" }, nowMs);

  it("begins an interval after the start, and not while one is under way", () => {
    const watch = startProbeWatch(specOf(), 500);
    expect(due(1499, watch).looks).toBe(false);
    const first = due(1500, watch);
    expect(first).toMatchObject({ looks: true, watch: { dueMs: Infinity } });
    expect(due(9999, first.watch).looks).toBe(false);
  });

  it.each([
    [1700, 2500],
    [2600, 2600],
  ])("is due, after one from 1500 to %i, at %i", (endMs, dueMs) => {
    const looking = due(1500, startProbeWatch(specOf(), 500)).watch;
    expect(stepProbe(looking, { kind: "looked", output: progressing }, endMs).watch.dueMs).toBe(dueMs);
  });
});

/** `stalled,stalled,terminal` as `stalled*2,terminal`. */
function compact(looks: readonly ProbeReport[]): string {
  const groups: string[] = [];
  let count = 0;
  for (const [index, { found }] of looks.entries()) {
    count = looks[index - 1]?.found === found ? count + 1 : 1;
    if (count > 1) groups.pop();
    groups.push(count === 1 ? found : `${found}*${count}`);
  }
  return groups.join(",");
}
