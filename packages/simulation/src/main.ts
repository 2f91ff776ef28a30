/**
 * `npm run simulate -- [--seeds N] [--from S] [--keep]` runs N seeds (default 200); `-- --seed S [--trace]` runs one, with
 * everything that happens in it.
 * `--machines` puts the processes on machines that share the store; `--unfenced` lets them run without a lease, which must fail.
 * `--store postgres` keeps the state on a PostgreSQL server of its own, which takes a hundred times as long. Each seed that fails
 * is printed with the command that repeats it and, with `--keep`, written to `seeds/`, where the tests run it from then on.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { planOf, planOfMachines } from "./plan.ts";
import { startPostgres } from "@agentcore/store-postgres/testing";
import { postgresStores } from "./stores.ts";
import { simulate, type SimulationReport, type Trace } from "./simulate.ts";

const seedsDirectory = fileURLToPath(new URL("../seeds/", import.meta.url));

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    seed: { type: "string" },
    from: { type: "string", default: "1" },
    keep: { type: "boolean", default: false },
    machines: { type: "boolean", default: false },
    store: { type: "string", default: "memory" },
    unfenced: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
  },
});

const wanted =
  values.seed === undefined
    ? Array.from({ length: Number(values.seeds) }, (_, index) => Number(values.from) + index)
    : [Number(values.seed)];

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const trace: Trace = (atMs, who, what) => {
  if (values.trace) say(`${atMs} ${who} ${JSON.stringify(what)}`);
};
const server = values.store === "postgres" ? await startPostgres() : undefined;
const startedMs = performance.now();
const totals = { seeds: 0, jobs: 0, attempts: 0, kills: 0, virtualHours: 0, failed: 0 };

for (const seed of wanted) {
  const plan = values.machines ? planOfMachines(seed) : planOf(seed);
  const database = await server?.newDatabase();
  const stores = database === undefined ? undefined : await postgresStores(database, plan.processes);
  const report = await simulate(seed, trace, { plan, isFenced: !values.unfenced, ...(stores && { stores }) });
  await stores?.close();
  totals.seeds += 1;
  totals.jobs += report.jobs;
  totals.attempts += report.attempts;
  totals.kills += report.kills;
  totals.virtualHours += report.virtualMs / 3_600_000;
  if (values.seed !== undefined) say(JSON.stringify(report, null, 2));
  if (report.faults.length > 0) await onFailure(report);
}

const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
say(
  `${totals.seeds} seeds, ${totals.jobs} jobs, ${totals.attempts} attempts, ${totals.kills} kills, ` +
    `${totals.virtualHours.toFixed(1)} virtual hours in ${seconds} s: ${totals.failed} failed`,
);
await server?.stop();
process.exitCode = totals.failed === 0 ? 0 : 1;

async function onFailure(report: SimulationReport): Promise<void> {
  const { seed, faults } = report;
  totals.failed += 1;
  say(`seed ${seed} failed:`);
  for (const fault of faults.slice(0, 20)) say(`  ${fault}`);
  say(
    `  repeat with: npm run simulate -- --seed ${seed}${values.machines ? " --machines" : ""}${server === undefined ? "" : " --store postgres"}`,
  );
  if (!values.keep) return;
  await mkdir(seedsDirectory, { recursive: true });
  await writeFile(`${seedsDirectory}${seed}.json`, `${JSON.stringify({ seed, faults }, null, 2)}\n`);
}
