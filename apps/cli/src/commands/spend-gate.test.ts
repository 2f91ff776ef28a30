/** Runs of a worker that reaches its provider through the spend gate, through the whole command line. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import {
  makeMeteredWorker,
  realKey,
  responseUsage,
  startProvider,
  workerEnviron,
  type MeteredWorkerOptions,
} from "../testing/metered-worker.ts";

let scratch: Scratch;
const provider = await startProvider();
let before = 0;
beforeEach(() => {
  scratch = makeScratch();
  before = provider.requests.length;
});
afterEach(() => scratch.remove());
afterAll(() => provider[Symbol.asyncDispose]());

const asked = () => provider.requests.slice(before);

/** Runs a task whose worker asks its provider that often. */
async function run(times: number, maxCost: string, options: Omit<MeteredWorkerOptions, "url"> = {}) {
  const at = makeMeteredWorker(scratch, { url: provider.url, ...options });
  const args = ["run", ...at, "--worker", "house", "--capabilities", "read,edit", "--max-cost", maxCost];
  const env = { HOUSE_KEY: realKey };
  const { stdout, stderr } = await agentcore(scratch, [...args, "--json", String(times)], { env });
  const lines = jsonLinesOf(stdout);
  const result = lines.find(({ type }) => type === "result");
  const shown = await agentcore(scratch, ["jobs", "show", ...at, String(result?.["jobId"]), "--json"]);
  const { attempts = [], calls = [] } = JSON.parse(shown.stdout) as {
    attempts?: Record<string, unknown>[];
    calls?: Record<string, unknown>[];
  };
  const told = await agentcore(scratch, ["jobs", "show", ...at, String(result?.["jobId"])]);
  return { lines, result, attempts, calls, told: told.stdout, stdout, stderr };
}

/** All that is kept below the directory. */
function textBelow(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");
}

describe("a run through the spend gate", () => {
  it("costs what the provider's responses say, and its worker never sees the provider's key", async () => {
    const { result, attempts, calls, told, stdout, stderr } = await run(2, "1");
    expect(result).toMatchObject({ outcome: "succeeded", costBasis: "metered" });
    expect(result?.["costUsd"]).toBeCloseTo(2 * responseUsage.costUsd, 9);
    expect(attempts).toMatchObject([
      {
        outcome: "succeeded",
        costBasis: "metered",
        inputTokens: 2000,
        outputTokens: 200,
        metered: { calls: 2, openCalls: 0, costUsd: 0.009, tokens: 2200, heldUsd: 0, estimated: false },
      },
    ]);
    const call = {
      attempt: 1,
      provider: "anthropic",
      model: "claude-sonnet-4-5",
      outcome: "completed",
      status: 200,
      inputTokens: 1000,
      cacheReadTokens: 0,
      outputTokens: 100,
      costUsd: 0.0045,
      estimated: false,
      priceSource: expect.stringContaining("genai-prices"),
    };
    expect(calls).toMatchObject([call, call]);
    expect(told).toContain("2 calls, 2,200 tokens, $0.0090");
    expect(told).toMatch(/attempt 1 +anthropic\/claude-sonnet-4-5 +1,000 .*\$0\.0045 .*completed/);
    expect(asked().map(({ path, headers }) => [path, headers["x-api-key"]])).toEqual([
      ["/v1/messages", realKey],
      ["/v1/messages", realKey],
    ]);
    const env = workerEnviron(scratch);
    expect(env["HOUSE_URL"]).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(env["HOUSE_KEY"]).toMatch(/^[\w-]{43}$/);
    const kept = stdout + stderr + textBelow(scratch.stateDir);
    for (const secret of [realKey, env["HOUSE_KEY"] ?? ""]) expect(kept.includes(secret)).toBe(false);
    expect(Object.values(env).join("\n").includes(realKey)).toBe(false);
  });

  it("ends as budget_exhausted at its ceiling, which it does not exceed, whatever the worker says", async () => {
    const { result, lines } = await run(9, "0.03");
    expect(result).toMatchObject({ outcome: "budget_exhausted", costBasis: "metered" });
    expect(result?.["costUsd"]).toBeCloseTo(asked().length * responseUsage.costUsd, 9);
    expect(result?.["costUsd"]).toBeLessThanOrEqual(0.03);
    expect(asked().length).toBeGreaterThan(1);
    expect(asked().length).toBeLessThan(7);
    // What the request may get was lowered to what was left.
    const limits = asked().map(({ body }) => (JSON.parse(body) as { max_tokens: number }).max_tokens);
    expect(Math.max(...limits)).toBeLessThan(2000);
    expect(limits.toSorted((a, b) => b - a)).toEqual(limits);
    expect(JSON.stringify(lines)).not.toContain(realKey);
  });

  it("takes its credential and address from the configuration, if they are there", async () => {
    const settings = `providers:\n  anthropic: { base_url: "${provider.url}/there", credential: { command: "echo sk-from-$THE_COMMAND" } }\n`;
    const at = makeMeteredWorker(scratch, { url: "http://127.0.0.1:9", settings });
    const env = { HOUSE_KEY: realKey, THE_COMMAND: "a-command" };
    const args = ["run", ...at, "--worker", "house", "--capabilities", "read,edit", "--json", "1"];
    const { stdout } = await agentcore(scratch, args, { env });
    expect(jsonLinesOf(stdout).find(({ type }) => type === "result")).toMatchObject({ costBasis: "metered" });
    expect(asked()).toMatchObject([
      { path: "/there/v1/messages", headers: { "x-api-key": "sk-from-a-command" } },
    ]);
  });
});

describe("a worker whose adapter does not support the spend gate", () => {
  it("works as before, and is refused if the gate is required", async () => {
    const direct = await run(1, "1", { usesGate: false });
    expect(direct.result).toMatchObject({ outcome: "succeeded" });
    expect(workerEnviron(scratch)).toMatchObject({ HOUSE_KEY: realKey, HOUSE_URL: provider.url });
    const refused = await run(1, "1", { usesGate: false, settings: "spend_gate: required\n" });
    expect(refused.result).toMatchObject({ outcome: "failed", code: "AC_SPEND_GATE_REQUIRED", attempts: 1 });
    expect(asked()).toHaveLength(1);
  });
});

it("doctor says of each worker what counts its cost", async () => {
  const meteringOf = async (options: Omit<MeteredWorkerOptions, "url">) => {
    const at = makeMeteredWorker(scratch, { url: provider.url, ...options });
    const { stdout } = await agentcore(scratch, ["doctor", ...at, "--json"], { env: { HOUSE_KEY: realKey } });
    const { workers } = JSON.parse(stdout) as {
      workers: { name: string; metering: string; detail: string }[];
    };
    return Object.fromEntries(workers.map(({ name, ...worker }) => [name, worker]));
  };
  const { house, shell } = await meteringOf({});
  expect(house).toMatchObject({
    metering: "spend_gate",
    detail: expect.stringContaining("by the spend gate"),
  });
  expect(shell).toMatchObject({ metering: "none" });
  const off = await meteringOf({ settings: "spend_gate: off\n" });
  expect(off["house"]).toMatchObject({
    metering: "events",
    detail: expect.stringContaining("metered from its events, because spend_gate is off"),
  });
});
