/**
 * Whole runs of the real workers through the spend gate, with the real command line: what a run cost is what the model server
 * says that it sent, and a ceiling ends it between two requests and in the middle of a response.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProviderCall } from "@agentcore/contract";
import { startModelServer, type ModelServer, type Run, type Script } from "@agentcore/model-server";
import { createSqliteCallJournal, openStateDatabase } from "@agentcore/store-sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { configurationText, startCli } from "./agentcore-cli.ts";
import { workerNames, type WorkerName } from "./cases.ts";
import { installationPaths } from "./installation.ts";
import { cacheFolder } from "./places.ts";
import { processesOf } from "./process-scan.ts";
import { prepareCase } from "./start-run.ts";
import { startSlots } from "./start-slots.ts";
import { workerSetups } from "./workers.ts";

/** From the request or the byte that reached the ceiling to the end of the run. */
const endsWithinMs = 5000;
const ceilingUsd = 0.5;

/** US dollars per million tokens: input, cached input, output. */
const prices: Readonly<Record<WorkerName, readonly [number, number, number]>> = {
  "claude-code": [3, 0.3, 15],
  codex: [5, 0.5, 30],
  opencode: [3, 0.3, 15],
};

let server: ModelServer;
let folder: string;
const starts = startSlots(2);

beforeAll(async () => {
  server = await startModelServer();
  folder = await mkdtemp(join(tmpdir(), "agentcore-metered-"));
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Metered {
  readonly result: {
    readonly jobId: string;
    readonly outcome: string;
    readonly code: string | null;
    readonly costUsd: number;
    readonly costBasis: string;
    readonly usage: { inputTokens: number; cachedInputTokens: number; outputTokens: number };
  };
  readonly model: Run;
  /** As the gate recorded them. */
  readonly calls: readonly ProviderCall[];
  /** Date.now() of the end of the run. */
  readonly endedAtMs: number;
  readonly stderr: string;
  readonly left: number;
}

async function runMetered(
  worker: WorkerName,
  name: string,
  script: (workspace: string) => Script,
): Promise<Metered> {
  const { id, workspace, userHome } = await prepareCase({ folder }, `metered-${worker}-${name}`);
  // Not a part of a path: no argument of the worker may have the key in it.
  const key = `key-of-${id}`;
  const model = server.run({ key, script: script(workspace), maxRequests: 60 });
  const configFile = join(userHome, "agentcore.yaml");
  const { programs } = installationPaths(cacheFolder);
  const config = JSON.parse(configurationText(programs, server.url)) as object;
  await writeFile(configFile, JSON.stringify({ ...config, spend_gate: "required" }));
  const keys = { "claude-code": key, codex: key, opencode: key };
  const place = { configFile, stateDir: join(userHome, "state"), home: userHome, cwd: workspace, keys };
  const args = ["run", "--json", "--worker", worker, "--max-cost", String(ceilingUsd)];
  const slot = await starts.take();
  const run = startCli(place, [...args, "--capabilities", "read,edit,run_commands", "Do the task."]);
  void Promise.race([model.asked(1), run.ended]).then(() => {
    slot[Symbol.dispose]();
  });
  const { stdout, stderr } = await run.ended;
  const endedAtMs = Date.now();
  const lines = stdout.split("\n").filter((line) => line !== "");
  const result = lines.map((line) => JSON.parse(line) as Metered["result"] & { type: string }).at(-1);
  if (result?.type !== "result") throw new Error(`the run printed no result:\n${stdout}${stderr}`);
  const database = await openStateDatabase({ directory: place.stateDir });
  const calls = await createSqliteCallJournal(database).callsOfJob(result.jobId);
  await database.close();
  return { result, model, calls, endedAtMs, stderr, left: (await processesOf(id)).length };
}

function note({ result, model, left }: Metered): string {
  return `${result.outcome}, $${result.costUsd} ${result.costBasis}, ${model.requests.length} requests, ${left} survivors`;
}

const usage = { inputTokens: 800, cachedInputTokens: 200, outputTokens: 50 };

for (const worker of workerNames) {
  const [input, cached, output] = prices[worker];
  const priceOf = (tokens: typeof usage): number =>
    (tokens.inputTokens * input + tokens.cachedInputTokens * cached + tokens.outputTokens * output) / 1e6;
  const { model: modelName } = workerSetups[worker];

  it.concurrent(`metered ${worker}: a run costs what the model server sent`, async ({ task }) => {
    const run = await runMetered(worker, "whole", (workspace) => [
      {
        toolCall: { name: "write_file", input: { path: join(workspace, "hello.txt"), content: "hello\n" } },
        usage,
      },
      { toolCall: { name: "shell", input: { command: "cat hello.txt" } }, usage },
      { text: "All done.", usage },
    ]);
    Object.assign(task.meta, { note: note(run), story: run.result });
    const titles = run.model.requests.filter(({ answeredBy }) => answeredBy === "title").length;
    expect(titles).toBe(0);
    expect(run.model.requests.map(({ model }) => model)).toEqual([modelName, modelName, modelName]);
    expect(run.result).toMatchObject({
      outcome: "succeeded",
      costBasis: "metered",
      usage: { inputTokens: 2400, cachedInputTokens: 600, outputTokens: 150 },
    });
    expect(run.result.costUsd).toBeCloseTo(3 * priceOf(usage), 5);
    const { inputTokens, cachedInputTokens: cacheReadTokens, outputTokens } = usage;
    const recorded = {
      outcome: "completed",
      usage: { inputTokens, cacheReadTokens, outputTokens },
      estimated: false,
    };
    expect(run.calls).toMatchObject([recorded, recorded, recorded]);
    expect(run.left).toBe(0);
  });

  it.concurrent(`metered ${worker}: a ceiling between two requests ends the run`, async ({ task }) => {
    const dear = { inputTokens: 20_000, cachedInputTokens: 0, outputTokens: 2000 };
    let at = 0;
    const run = await runMetered(worker, "between", () => () => {
      at += 1;
      // Each asks for something else: the same request again and again would be a loop.
      return { toolCall: { name: "shell", input: { command: `echo ${at}` } }, usage: dear };
    });
    const lastMs = run.endedAtMs - (run.model.requests.at(-1)?.receivedAtMs ?? 0);
    Object.assign(task.meta, { note: `${note(run)}, ${lastMs} ms after the last`, story: run.result });
    expect(run.result).toMatchObject({
      outcome: "budget_exhausted",
      code: "AC_COST_CEILING",
      costBasis: "metered",
    });
    expect(run.model.requests.length).toBeGreaterThan(1);
    expect(run.result.costUsd).toBeCloseTo(run.model.requests.length * priceOf(dear), 5);
    expect(run.result.costUsd).toBeLessThanOrEqual(ceilingUsd);
    expect(lastMs).toBeLessThan(endsWithinMs);
    expect(run.left).toBe(0);
  });

  it.concurrent(`metered ${worker}: a ceiling in the middle of a response ends the run`, async ({ task }) => {
    // It ignores how much it may say. The whole would take a minute, and cost several times the ceiling.
    const text = "many words ".repeat(60_000);
    const run = await runMetered(worker, "within", () => [
      { text, drip: { chunkMs: 200, chunks: 300 }, usage: { inputTokens: 1000, outputTokens: 165_000 } },
      { text: "All done." },
    ]);
    const [cut] = run.calls;
    const tookMs = run.endedAtMs - (cut?.endedAt ?? 0);
    Object.assign(task.meta, { note: `${note(run)}, ${tookMs} ms after the cut`, story: run.result });
    expect(run.result).toMatchObject({ outcome: "budget_exhausted", code: "AC_COST_CEILING" });
    expect(run.calls).toMatchObject([{ outcome: "cut", estimated: true }]);
    expect(run.model.requests.length).toBeLessThanOrEqual(3);
    // The chunk that reaches the ceiling was received, and so it is charged.
    expect(run.result.costUsd).toBeLessThanOrEqual(ceilingUsd * 1.02);
    expect(tookMs).toBeLessThan(endsWithinMs);
    expect(run.left).toBe(0);
  });
}
