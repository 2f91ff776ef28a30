/**
 * Kills a runtime while its workers spend, again and again. After each kill the ledger must cover what the provider billed, and
 * at the end every call whose end is in the journal is charged to the micro-dollar what was billed for it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import type { ProviderCall } from "@agentcore/contract";
import { type CallJournal, ownerIsDead, reconcileHolds } from "@agentcore/core";
import { createSqliteCallJournal, createSqliteLedger } from "@agentcore/store-sqlite";
import { stateFlaws } from "@agentcore/store-sqlite/testing";
import { createDraws, type Draws } from "../draws.ts";
import { type Bill, type Moment, type ScriptedProvider, startScriptedProvider } from "./scripted-provider.ts";
import type { SpendProcessOptions } from "./spend-process.ts";
import { inStateDirectory, tenantLevel } from "./state-directory.ts";

export interface SpendKillsReport {
  readonly kills: number;
  /** Calls whose end, with what the response reported, is in the journal. */
  readonly exactCalls: number;
  /** Calls that were open at a kill. */
  readonly openCalls: number;
  /** Ended calls that are charged an estimate. */
  readonly estimatedCalls: number;
  readonly billedMicroUsd: number;
  readonly bookedMicroUsd: number;
  readonly exactMicroUsd: number;
  /** Booked for permits without a call: their ceilings. */
  readonly withoutCallsMicroUsd: number;
  readonly findings: readonly string[];
}

export interface SpendKillsOptions {
  readonly kills: number;
  readonly permits: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

const program = fileURLToPath(new URL("spend-process.ts", import.meta.url));

export async function spendKills(options: SpendKillsOptions): Promise<SpendKillsReport> {
  return inStateDirectory(async ({ database, directory }) => {
    const provider = await startScriptedProvider();
    const draws = createDraws(options.seed);
    const ledger = createSqliteLedger(database);
    const journal = createSqliteCallJournal(database);
    const sums = new Sums();
    try {
      let kills = 0;
      for (let life = 1; kills < options.kills; life += 1) {
        const tenant = `life-${life}`;
        const billsBefore = provider.bills.length;
        const { permits, seed } = options;
        const wasKilled = await killedLife(
          { directory, providerUrl: provider.url, tenant, permits, seed: seed + life },
          provider,
          draws,
        );
        await provider.idle();
        const settled = await reconcileHolds(ledger, { ownerIsDead, calls: journal, now: Date.now() });
        const bounds = await Promise.all(
          settled.map(async ({ hold, spent }) =>
            (await journal.calls(hold.holdId)).length === 0 ? spent.costMicroUsd : 0,
          ),
        );
        const bills = provider.bills.slice(billsBefore);
        sums.addLife({
          tenant,
          bills,
          calls: await callsOf(journal, tenant, bills, permits),
          level: await tenantLevel(ledger, tenant),
          withoutCalls: bounds.reduce((sum, bound) => sum + bound, 0),
        });
        for (const flaw of await stateFlaws(database)) sums.findings.push(`${tenant}: ${flaw}`);
        if (!wasKilled) continue;
        kills += 1;
        if (kills % 10 === 0) options.print(`${kills} kills, ${provider.bills.length} responses billed`);
      }
      return sums.report(options.kills);
    } finally {
      await provider.close();
    }
  });
}

/**
 * A tenth of the kills come during the start; the others at a moment of a response, or shortly after it. False if the runtime
 * used up its cap before that, and ended.
 */
async function killedLife(
  options: SpendProcessOptions,
  provider: ScriptedProvider,
  draws: Draws,
): Promise<boolean> {
  const child = spawn(
    process.execPath,
    ["--conditions=@agentcore/source", program, JSON.stringify(options)],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  const exited = once(child, "exit");
  const [isEarly, wanted, delayMs] = [
    draws.chance(0.1),
    draws.pick<Moment>(["request", "chunk", "end"]),
    draws.pick([0, 0, 1, 5, 20]),
  ];
  let left = draws.whole(1, 80);
  const reached = new Promise<void>((resolve) => {
    provider.onMoment = (moment) => {
      if (moment === wanted) left -= 1;
      if (left > 0) return;
      // In the middle of the provider's own step, at best.
      if (delayMs === 0) child.kill("SIGKILL");
      resolve();
    };
  });
  await Promise.race([isEarly ? pause(draws.whole(0, 1500)) : reached, exited]);
  await pause(delayMs);
  if (child.exitCode === null) child.kill("SIGKILL");
  await exited;
  provider.onMoment = () => {};
  if (child.exitCode !== null && child.exitCode !== 0)
    throw new Error(`The runtime ended with code ${child.exitCode} before it was killed.`);
  return child.exitCode === null;
}

/** Runs are numbered in the order of their start, and as many as there are permits can be open without a bill. */
async function callsOf(
  journal: CallJournal,
  tenant: string,
  bills: readonly Bill[],
  permits: number,
): Promise<ProviderCall[]> {
  const last = bills.reduce((most, { run }) => Math.max(most, Number(run.split("-").at(-1))), 0);
  const runs = Array.from({ length: last + permits + 1 }, (_, number) => `${tenant}-run-${number}`);
  return (await Promise.all(runs.map((run) => journal.callsOfJob(run)))).flat();
}

interface Life {
  readonly tenant: string;
  readonly bills: readonly Bill[];
  readonly calls: readonly ProviderCall[];
  readonly level: { readonly costSpentMicroUsd: number; readonly costHeldMicroUsd: number };
  readonly withoutCalls: number;
}

class Sums {
  exactCalls = 0;
  openCalls = 0;
  estimatedCalls = 0;
  billedMicroUsd = 0;
  bookedMicroUsd = 0;
  exactMicroUsd = 0;
  withoutCallsMicroUsd = 0;
  readonly findings: string[] = [];

  report(kills: number): SpendKillsReport {
    const { exactCalls, openCalls, estimatedCalls, billedMicroUsd, bookedMicroUsd } = this;
    const { exactMicroUsd, withoutCallsMicroUsd, findings } = this;
    const calls = { exactCalls, openCalls, estimatedCalls };
    return { kills, ...calls, billedMicroUsd, bookedMicroUsd, exactMicroUsd, withoutCallsMicroUsd, findings };
  }

  addLife({ tenant, bills, calls, level, withoutCalls }: Life): void {
    const billed = sumOf(bills.map(({ microUsd }) => microUsd));
    const booked = level.costSpentMicroUsd;
    this.billedMicroUsd += billed;
    this.bookedMicroUsd += booked;
    this.withoutCallsMicroUsd += withoutCalls;
    if (booked < billed)
      this.findings.push(`${tenant}: ${booked} micro-dollars are booked, ${billed} were billed`);
    if (level.costHeldMicroUsd > 0) this.findings.push(`${tenant}: ${level.costHeldMicroUsd} are still held`);
    const journaled = sumOf(calls.map(({ costMicroUsd }) => costMicroUsd));
    if (journaled + withoutCalls !== booked)
      this.findings.push(
        `${tenant}: the calls cost ${journaled}, permits without any ${withoutCalls}; ${booked} are booked`,
      );
    for (const run of new Set([...bills.map((bill) => bill.run), ...calls.map(({ jobId }) => jobId)]))
      this.#addRun(
        run,
        bills.filter((bill) => bill.run === run),
        calls.filter(({ jobId }) => jobId === run),
      );
  }

  #addRun(run: string, bills: readonly Bill[], calls: readonly ProviderCall[]): void {
    const unmatched = new Map(bills.map((bill) => [bill.inputTokens, bill]));
    const bounded: ProviderCall[] = [];
    for (const call of calls) {
      if (call.outcome === "open" || call.estimated || call.usage === null) {
        bounded.push(call);
        continue;
      }
      const bill = unmatched.get(call.usage.inputTokens);
      unmatched.delete(call.usage.inputTokens);
      this.exactCalls += 1;
      this.exactMicroUsd += call.costMicroUsd;
      if (bill?.microUsd !== call.costMicroUsd)
        this.findings.push(
          `${run}: a call is charged ${call.costMicroUsd} micro-dollars, ${bill?.microUsd} were billed`,
        );
    }
    this.openCalls += bounded.filter(({ outcome }) => outcome === "open").length;
    this.estimatedCalls += bounded.filter(({ outcome }) => outcome !== "open").length;
    const bound = sumOf(bounded.map(({ costMicroUsd }) => costMicroUsd));
    const rest = sumOf([...unmatched.values()].map(({ microUsd }) => microUsd));
    if (rest > bound || unmatched.size > bounded.length)
      this.findings.push(
        `${run}: ${bounded.length} calls without a known end are charged ${bound} micro-dollars, ${unmatched.size} were billed ${rest}`,
      );
  }
}

function sumOf(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}
