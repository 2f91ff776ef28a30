/**
 * Runs the whole conformance suite on this machine and prints a table: every implementation, as this user and, as root,
 * as an unprivileged one, every ending. Ends with 1 if a sealed implementation left anything.
 *
 * AGENTCORE_SEED repeats a run. AGENTCORE_KILLS (200) is how often the supervisor of a sealed implementation is killed (a
 * quarter of it for best-effort, which is there to be described and not to pass), AGENTCORE_STOPS (20) how often each
 * other ending is taken. AGENTCORE_REQUIRE_BWRAP=1 makes a missing bubblewrap an error.
 */
import { testSeed } from "@agentcore/contract/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { probeContainment } from "../index.ts";
import { endings, runCase, type ConformanceCase, type ConformanceResult } from "./conformance.ts";
import { brokenPromises } from "./promises.ts";
import { seededRandom } from "@agentcore/contract/testing";

const unprivilegedUid = 12_345;

function numberFrom(name: string, fallback: number): number {
  const value = Number(process.env[name] ?? fallback);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a whole number above 0`);
  return value;
}

const seed = testSeed("containment conformance");
const kills = numberFrom("AGENTCORE_KILLS", 200);
const stops = numberFrom("AGENTCORE_STOPS", 20);

const { implementations, cgroup } = await probeContainment();
const uids = process.geteuid?.() === 0 ? [null, unprivilegedUid] : [null];
const cases: ConformanceCase[] = implementations
  .filter((report) => report.available)
  .flatMap(({ implementation, level }) =>
    uids.flatMap((uid) =>
      endings.map((ending) => ({
        implementation,
        uid,
        ending,
        runs: ending !== "supervisor-killed" ? stops : level === "sealed" ? kills : Math.ceil(kills / 4),
      })),
    ),
  );

console.log(`cgroup: ${cgroup.available ? cgroup.directory : `none, ${cgroup.reason}`}`);
for (const report of implementations) {
  console.log(
    `${report.implementation}: ${report.available ? "available" : "UNAVAILABLE"}, ${report.reason}`,
  );
}

const startedMs = performance.now();
const results: ConformanceResult[] = [];
const pending = cases.entries();
await Promise.all(
  Array.from({ length: Math.max(2, availableParallelism()) }, async () => {
    for (const [index, which] of pending) results[index] = await runCase(which, seededRandom(seed + index));
  }),
);

const broken: string[] = [];
for (const { implementation, uid, ending } of cases) {
  if (implementation === "process-group" || ending !== "normal") continue;
  const stateDir = mkdtempSync(path.join(tmpdir(), "agentcore-promises-"));
  for (const each of await brokenPromises(implementation, uid, stateDir))
    broken.push(`BROKEN, ${implementation}, uid ${uid ?? "own"}: ${each}`);
  rmSync(stateDir, { recursive: true, force: true });
}
console.log(broken.length === 0 ? "every promise of the sealed boxes is kept" : broken.join("\n"));

const columns =
  "implementation uid ending runs at-large survivors stubs after-sweep untrue p50-ms p99-ms max-ms";
const rows = [columns.split(" "), ...results.map(toRow)];
const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));

function toRow(result: ConformanceResult): string[] {
  const { emptyAfterMs } = result;
  const at = (share: number): string =>
    emptyAfterMs[Math.min(emptyAfterMs.length - 1, Math.floor(emptyAfterMs.length * share))]?.toFixed(1) ??
    "-";
  return [
    result.implementation,
    String(result.uid ?? process.geteuid?.() ?? "-"),
    result.ending,
    String(result.runs),
    String(result.runsAtLarge),
    result.survivors === 0 ? "0" : `${result.survivors} in ${result.runsWithSurvivors}`,
    String(result.stubs),
    result.leftAfterSweep === null ? "-" : String(result.leftAfterSweep),
    String(result.untrueReceipts),
    at(0.5),
    at(0.99),
    at(1),
  ];
}

const sealed = results.filter((result) => result.implementation !== "process-group");
const sum = (pick: (result: ConformanceResult) => number): number =>
  sealed.reduce((total, result) => total + pick(result), 0);
const failures = sum((result) => result.survivors + (result.leftAfterSweep ?? 0) + result.untrueReceipts);
console.log(
  `sealed: ${sum((result) => result.survivors)} survivors of ${sum((result) => result.runs)} runs ` +
    `(${sum((result) => result.runsAtLarge)} with the worker at large when the end came), ` +
    `${sum((result) => result.stubs)} empty boxes left to the sweep, ` +
    `${sum((result) => result.leftAfterSweep ?? 0)} left after it; ` +
    `counted by ${results[0]?.countedBy ?? "nobody"}; ${Math.round((performance.now() - startedMs) / 1_000)} s`,
);
const bubblewrapMissing = implementations.some(
  (report) => report.implementation === "bubblewrap" && !report.available,
);
if (bubblewrapMissing && process.env.AGENTCORE_REQUIRE_BWRAP === "1") {
  console.error("bubblewrap is required here (AGENTCORE_REQUIRE_BWRAP=1) and does not work");
  process.exitCode = 1;
}
if (failures + broken.length > 0) process.exitCode = 1;
