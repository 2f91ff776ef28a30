/**
 * A runtime whose runs go through the spend gate is killed at random moments, while a provider notes what it has answered. The
 * ledger must never have less than that, and no more than the bounds of the calls that were open.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { patienceMs, testSeed, until } from "@agentcore/contract/testing";
import { ownerIsDead, reconcileHolds } from "@agentcore/core";
import { createSqliteCallJournal, createSqliteLedger, openStateDatabase } from "@agentcore/store-sqlite";
import { stateFlaws } from "@agentcore/store-sqlite/testing";
import { expect, it, onTestFinished } from "vitest";
import { createDraws } from "./draws.ts";

const kills = Number(process.env.AGENTCORE_KILLS ?? 8);
const seed = testSeed("kills of a runtime with the spend gate");

/** 100 tokens of input at $10, and 10 of output at $50 per million. */
const costOfAnswer = 1500;

const line = (type: string, data: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
const answer = [
  line("message_start", {
    message: { id: "m", type: "message", role: "assistant", usage: { input_tokens: 100, output_tokens: 1 } },
  }),
  line("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  line("content_block_delta", { index: 0, delta: { type: "text_delta", text: "an answer" } }),
  line("content_block_stop", { index: 0 }),
  line("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 10 } }),
  line("message_stop", {}),
];

/** A provider that charges a request when it arrives, and takes its time to answer. */
async function startProvider() {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    response.on("error", () => {});
    void text(request).then(
      async (body) => {
        requests.push((JSON.parse(body) as { metadata: { user_id: string } }).metadata.user_id);
        response.writeHead(200, { "content-type": "text/event-stream" });
        for (const part of answer) {
          response.write(part);
          await pause(requests.length % 7);
        }
        response.end();
      },
      () => {},
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const program = fileURLToPath(new URL("metered-runtime.ts", import.meta.url));

function startRuntime(directory: string, url: string): ChildProcess {
  const child = spawn(process.execPath, ["--conditions=@agentcore/source", program, directory, url], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Reconciles as the next start would, and compares with what the provider was asked. */
async function judge(directory: string, requests: readonly string[]) {
  const database = await openStateDatabase({ directory });
  try {
    const ledger = createSqliteLedger(database);
    await reconcileHolds(ledger, { ownerIsDead, calls: createSqliteCallJournal(database), now: Date.now() });
    const [level] = await ledger.levels([{ scope: "global", window: "total", windowStart: 0 }]);
    expect(level?.costHeldMicroUsd).toBe(0);
    expect(await stateFlaws(database)).toEqual([]);
    const calls = await database.read((sql) =>
      sql.all("SELECT permit_id, outcome, cost FROM provider_calls"),
    );
    const permits = new Set(calls.map((call) => call.permit_id));
    expect(requests.filter((permitId) => !permits.has(permitId))).toEqual([]);
    expect(calls.length).toBeGreaterThanOrEqual(requests.length);
    const completed = calls.filter(({ outcome }) => outcome === "completed");
    expect(completed.filter(({ cost }) => cost !== costOfAnswer)).toEqual([]);
    const spent = level?.costSpentMicroUsd ?? 0;
    const unmetered = await database.read((sql) =>
      sql.all(
        "SELECT hold_id, spent_cost FROM ledger_holds WHERE hold_id NOT IN (SELECT permit_id FROM provider_calls)",
      ),
    );
    const journaled = [...calls, ...unmetered.map(({ spent_cost: cost }) => ({ cost }))];
    expect(spent).toBe(journaled.reduce((sum, { cost }) => sum + Number(cost), 0));
    expect(spent).toBeGreaterThanOrEqual(requests.length * costOfAnswer);
    return { spent, calls: calls.length, open: calls.length - completed.length, unmetered: unmetered.length };
  } finally {
    await database.close();
  }
}

it(
  `${kills} kills of a runtime from seed ${seed} leave no answer of the provider without its charge`,
  async () => {
    const draws = createDraws(seed);
    const directory = mkdtempSync(join(tmpdir(), "agentcore-metered-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const { requests, url } = await startProvider();
    let last = { spent: 0, calls: 0, open: 0, unmetered: 0 };
    for (let kill = 0; kill < kills; kill += 1) {
      const before = requests.length;
      const child = startRuntime(directory, url);
      await until(() => requests.length > before + 10 || child.exitCode !== null);
      expect(child.exitCode).toBeNull();
      await pause(draws.whole(0, 80));
      child.kill("SIGKILL");
      await once(child, "close");
      last = await judge(directory, requests);
    }
    const truth = requests.length * costOfAnswer;
    console.log(
      `${kills} kills: ${last.calls} calls, ${last.open} of them open at a kill; charged ${last.spent}, true ${truth} micro-dollars`,
    );
    expect(last.open).toBeGreaterThan(0);
  },
  patienceMs(120_000),
);
