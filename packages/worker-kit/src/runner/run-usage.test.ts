/** Usage that a worker writes to files instead of printing it, through whole runs. */
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkerAdapter } from "@agentcore/contract";
import { expect, it } from "vitest";
import { drive } from "../testing/drive.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";

const adapter: WorkerAdapter = {
  ...scriptedAdapter,
  provider: "anthropic",
  usageFiles: {
    directory: ({ HOME = "" }) => HOME,
    depth: 0,
    belongs: (name) => name === "usage.log",
    createReader: () => {
      let outputTokens = 0;
      return {
        line: (_file, text) => void (outputTokens += Number(text)),
        usage: () => ({ inputTokens: 0, cachedInputTokens: null, outputTokens }),
        model: () => "claude-sonnet-4-5",
      };
    },
  },
};

function programOf(script: string): string {
  const path = join(makeTemporaryDirectory("usage-agent"), "agent");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

it("is told with its price while the run goes on, and counts where the run is stopped", async () => {
  const program = programOf('echo 1000000 >> "$HOME/usage.log"; sleep 300');
  const { seen, cancel, result } = await drive({ adapter, program });
  const event = await seen(({ type }) => type === "usage");
  expect(event).toMatchObject({ usage: { outputTokens: 1_000_000 }, costUsd: 15 });
  cancel({ reason: { kind: "budget", code: "AC_COST_CEILING", message: "too dear" } });
  expect(await result).toMatchObject({
    outcome: "budget_exhausted",
    usage: { outputTokens: 1_000_000 },
    costUsd: 15,
    costBasis: "estimated",
  });
});

it("is read to its end after the worker has gone, and the greater of file and output counts", async () => {
  const printed = {
    type: "usage",
    usage: { inputTokens: 50, cachedInputTokens: null, outputTokens: 7 },
    costUsd: null,
  };
  const lines = `echo '${JSON.stringify(printed)}'; echo '{"type":"result","ok":true,"summary":"done"}'`;
  const { result } = await drive({ adapter, program: programOf(`echo 300 >> "$HOME/usage.log"; ${lines}`) });
  expect((await result).usage).toEqual({ inputTokens: 50, cachedInputTokens: null, outputTokens: 300 });
});

const spent = (costUsd: number | null, outputTokens: number | null = null) => ({
  type: "usage",
  usage: { inputTokens: null, cachedInputTokens: null, outputTokens },
  costUsd,
});
const done = (costUsd: number | null) => ({ type: "result", ok: true, summary: "done", costUsd });

/** A worker of a priced model that prints these lines; `then` is what its script does after them. */
async function costsOf(lines: readonly object[], then = "") {
  const agent = { ...scriptedAdapter, provider: "anthropic" };
  const printed = lines.map((line) => `echo '${JSON.stringify(line)}'`).join("; ");
  const { events, result } = await drive({
    adapter: agent,
    program: programOf(`${printed}\n${then}`),
    model: "claude-sonnet-4-5",
    maxCostUsd: 1000,
  });
  const { costUsd, costBasis } = await result;
  const totals = events.flatMap((event) => (event.type === "usage" ? [event.costUsd] : []));
  return { totals, costUsd, costBasis };
}

it.each<[string, object[], string, object]>([
  [
    "a report that is below an earlier one",
    [spent(0.9), spent(0.0001), done(0.0001)],
    "",
    { totals: [0.9, 0.9], costUsd: 0.9, costBasis: "reported" },
  ],
  [
    "a last report without a cost, after tokens",
    [spent(null, 1_000_000), spent(null), done(null)],
    "",
    { costUsd: 15, costBasis: "estimated" },
  ],
  [
    "reports of a run that broke off, which say nothing of its last answer",
    [spent(0.5)],
    "exit 3",
    { costUsd: 0.5, costBasis: "estimated" },
  ],
])("the cost of a run never falls: %s", async (_what, lines, then, expected) => {
  expect(await costsOf(lines, then)).toMatchObject(expected);
});

const unpriced: WorkerAdapter = { ...scriptedAdapter, provider: "openai" };
const answer = programOf(`echo '{"type":"result","ok":true,"summary":"done"}'`);

it.each([
  ["no price is known", "house", {}, unpriced, true],
  ["the user has given one", "house", { house: { input: 1, output: 1 } }, unpriced, false],
  ["the list has one", "gpt-5.5", {}, unpriced, false],
  ["the worker says itself what it cost", "house", {}, { ...unpriced, reportsCost: true as const }, false],
])(
  "before the start of a run with a ceiling it is said where %s",
  async (_name, model, prices, of, isSaid) => {
    const { events, result } = await drive({ adapter: of, program: answer, model, prices, maxCostUsd: 2 });
    await result;
    const warnings = events.filter(({ type }) => type === "warning");
    expect(warnings.length).toBe(isSaid ? 1 : 0);
    if (isSaid)
      expect(warnings[0]).toMatchObject({
        text: expect.stringContaining("no price is known for model house"),
      });
  },
);

const tokens = { inputTokens: 9, cachedInputTokens: null, outputTokens: 9 };

it("a model without a price costs nothing where the user says so, and the result says why", async () => {
  const program = programOf(
    `echo '${JSON.stringify({ type: "usage", usage: tokens, costUsd: null })}'; echo '{"type":"result","ok":true,"summary":"done"}'`,
  );
  const free = { adapter: unpriced, program, maxCostUsd: 2, unpriced: "zero" } as const;
  const { events, result } = await drive({ ...free, model: "house" });
  expect(await result).toMatchObject({
    costUsd: 0,
    costBasis: "estimated",
    costNote: "no price for model house; counted as $0 by `unpriced: zero`",
  });
  const warning = events.find(({ type }) => type === "warning");
  expect(warning).toMatchObject({ text: expect.stringContaining("it counts as $0") });
  const priced = await (await drive({ ...free, model: "gpt-5.5" })).result;
  expect(priced.costUsd).toBeGreaterThan(0);
  expect(priced.costNote).toBeUndefined();
});

it("a model that only the worker names is warned of as soon as it does, once", async () => {
  const started = JSON.stringify({ type: "started", session: null, model: "house" });
  const program = programOf(
    `echo '${started}'; echo '${started}'; echo '{"type":"result","ok":true,"summary":"done"}'`,
  );
  const { events, result } = await drive({ adapter: unpriced, program, maxCostUsd: 2 });
  await result;
  const warnings = events.filter(({ type }) => type === "warning");
  expect(warnings).toEqual([
    { type: "warning", text: expect.stringContaining("no price is known for model house") },
  ]);
});

it.each([
  ["has no price", "house", unpriced, "no price is known for model house of worker scripted"],
  ["is not named", undefined, unpriced, "no model is named for worker scripted"],
  ["has a price", "gpt-5.5", unpriced, null],
  ["is one of a worker that reports its cost", "house", { ...unpriced, reportsCost: true as const }, null],
  ["is one of a worker that nobody bills", undefined, scriptedAdapter, null],
])("no run starts where unpriced models are refused and its model %s", async (_name, model, of, why) => {
  const mark = join(makeTemporaryDirectory("started"), "mark");
  const program = programOf(`: > ${mark}; echo '{"type":"result","ok":true,"summary":"done"}'`);
  const { result } = await drive({ adapter: of, program, model, unpriced: "refuse" });
  const { code, errorClass, summary } = await result;
  expect(existsSync(mark)).toBe(why === null);
  if (why === null) return;
  expect({ code, errorClass }).toEqual({ code: "AC_MODEL_UNPRICED", errorClass: "invalid_request" });
  expect(summary).toContain(why);
});
