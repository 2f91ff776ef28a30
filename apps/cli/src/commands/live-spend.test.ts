/** What a run has spent is seen while it runs, and is not lost if it is stopped. */
import { until } from "@agentcore/contract/testing";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import {
  agentcore,
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Scratch,
} from "../testing/agentcore-process.ts";
import { startDaemon, writeDaemonFile, writeFlow } from "../testing/daemon-process.ts";
import { makeMeteredWorker, realKey, startProvider } from "../testing/metered-worker.ts";
import { startOnPty } from "../testing/pty.ts";

const provider = await startProvider();
let scratch: Scratch;
let at: readonly string[];
beforeEach(() => {
  scratch = makeScratch();
  at = makeMeteredWorker(scratch, { url: provider.url });
});
afterEach(() => scratch.remove());
afterAll(() => provider[Symbol.asyncDispose]());

const env = { HOUSE_KEY: realKey };
const runOf = (...more: readonly string[]) => {
  const options = ["--worker", "house", "--capabilities", "read,edit", "--max-cost", "1"];
  return ["run", ...at, ...options, ...more, "stream"];
};

interface Shown {
  readonly state: string;
  readonly costUsd: number | null;
  readonly attempts: readonly { readonly costUsd: number | null; readonly metered: Metered | null }[];
}
interface Metered {
  readonly openCalls: number;
  readonly costUsd: number;
  readonly heldUsd: number;
}

async function holdsNow(): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await agentcore(scratch, ["budget", ...at, "--json"]);
  return jsonLinesOf(stdout).filter(({ type }) => type === "hold");
}

async function shownJob(): Promise<Shown> {
  const { stdout } = await agentcore(scratch, ["jobs", "show", ...at, "@last", "--json"]);
  return JSON.parse(stdout) as Shown;
}

it("a run reports what it spent while its provider streams, and a cancelled one costs what was seen", async () => {
  const running = startAgentcore(scratch, runOf("--json"), { env });
  await running.saw('"usage"');
  const metered = (await shownJob()).attempts[0]?.metered;
  expect(metered).toMatchObject({ openCalls: 1, costUsd: 0 });
  expect(metered?.heldUsd).toBeGreaterThan(0.01);
  expect(await holdsNow()).toMatchObject([{ worker: "house", costUsd: 1, owner: { state: "alive" } }]);
  running.child.kill("SIGINT");
  const lines = jsonLinesOf((await running.finished).stdout);
  expect(await holdsNow()).toEqual([]);
  const usage = lines.flatMap(({ event }) => {
    const { type, costUsd } = (event ?? {}) as { type?: string; costUsd?: number };
    return type === "usage" ? [costUsd ?? 0] : [];
  });
  expect(usage[0]).toBeGreaterThan(0);
  expect(usage).toEqual(usage.toSorted((a, b) => a - b));
  const result = lines.find(({ type }) => type === "result");
  expect(result).toMatchObject({ outcome: "cancelled", costBasis: "estimated" });
  expect(result?.["costUsd"]).toBeGreaterThanOrEqual(usage.at(-1) ?? Infinity);
  expect((await shownJob()).costUsd).toBe(result?.["costUsd"]);
});

it("the list of jobs shows what the calls of a running job that ended have cost", async () => {
  const running = startAgentcore(scratch, [...runOf("--json").slice(0, -1), "2 then stream"], { env });
  const costs = async () => {
    const { stdout } = await agentcore(scratch, ["jobs", "list", ...at, "--json"]);
    return jsonLinesOf(stdout).map(({ state, costUsd }) => [state, costUsd]);
  };
  await until(async () => JSON.stringify(await costs()) === JSON.stringify([["running", 0.009]]));
  running.child.kill("SIGINT");
  expect(jsonLinesOf((await running.finished).stdout).at(-1)).toMatchObject({ outcome: "cancelled" });
});

it("the screen of a run shows what it spent of its ceiling while its provider streams", async () => {
  const terminal = startOnPty(scratch, runOf(), { columns: 120, env });
  await terminal.until((screen) => /\$0\.0\d+ of \$1\.00/.test(screen));
  terminal.type("\u0003");
  expect(await terminal.finished).not.toBe(0);
});

it("a run whose runtime is killed is shown with the most that its open call can cost", async () => {
  const running = startAgentcore(scratch, runOf("--json"), { env });
  await running.saw('"usage"');
  const held = (await shownJob()).attempts[0]?.metered?.heldUsd ?? 0;
  running.child.kill("SIGKILL");
  await running.finished;
  const budget = await agentcore(scratch, ["budget", ...at, "--json"]);
  const spent = jsonLinesOf(budget.stdout).find(({ type }) => type === "call_spend");
  expect(spent).toMatchObject({ workers: [{ name: "house", calls: 1, costUsd: 0 }] });
  expect(await holdsNow()).toMatchObject([{ worker: "house", costUsd: 1, owner: { state: "dead" } }]);
  const text = await agentcore(scratch, ["budget", ...at]);
  expect(text.stdout).toContain("What a dead process held is charged when the next runtime");
  expect(held).toBeGreaterThan(0.01);
  const [house] = (spent?.["workers"] ?? []) as { heldUsd: number }[];
  expect(house?.heldUsd).toBeGreaterThanOrEqual(held);
});

it("top shows what a run does and has spent while its provider streams, and what it cost in the end", async () => {
  writeFlow(scratch, "true");
  const triggers = "triggers:\n  on-order: { on: orders, workflow: flow.yaml }\n";
  writeDaemonFile(scratch, `events:\n  orders: { type: queue, topic: orders }\n${triggers}`);
  const daemon = await startDaemon(scratch, at.slice(0, 2), env);
  const terminal = startOnPty(scratch, ["top", "--state-dir", scratch.stateDir], { columns: 120 });
  await terminal.until((screen) => screen.includes("$0 today"));
  const options = ["--worker", "house", "--capabilities", "read,edit", "--max-cost", "1"];
  await agentcore(scratch, ["submit", ...at, ...options, "2 then stream"]);
  // Two calls that have ended, and the input of the one that is open.
  await terminal.until((screen) => /streaming +house .*\$0\.01\/\$1\.00 +receives an answer/.test(screen));
  await agentcore(scratch, ["jobs", "cancel", ...at, "@last"]);
  await terminal.until((screen) => screen.includes("nothing runs") && /\$0\.\d+ today/.test(screen));
  terminal.type("q");
  expect(await terminal.finished).toBe(0);
  await daemon.kill("SIGTERM");
});
