/**
 * The way in: `main.ts headline --jobs 500 --kills 200 --seed S` runs the crash test of the queue, `main.ts workflow
 * --kills 100 --seed S` that of workflows, `main.ts daemon --deliveries 1000 --kills 20 --seed S` that of the daemon, `main.ts
 * daemon-soak --minutes 30 --seed S` runs a daemon under load with faults, `main.ts spend --kills 100 --seed S`
 * checks what runs may spend, `main.ts fleet --hosts 4 --jobs 2000 --faults 200 --seed S` works on one PostgreSQL from several
 * hosts to which things happen, `main.ts burst --runs 500` lets many runs in at once, `main.ts mutants` checks that
 * tests notice planted bugs. Ends with 1 where something was found.
 */
import { parseArgs } from "node:util";
import { testSeed } from "@agentcore/contract/testing";
import { burst, burstLines, isCalm } from "./burst.ts";
import { daemonKills } from "./daemon/daemon-kills.ts";
import { daemonKillsLines } from "./daemon/daemon-kills-lines.ts";
import { fleet } from "./fleet/fleet.ts";
import { fleetLines } from "./fleet/fleet-lines.ts";
import { headline } from "./headline.ts";
import { headlineLines } from "./headline-lines.ts";
import { mutantLine, runMutants } from "./mutants/run-mutants.ts";
import { daemonSoak } from "./soak/daemon-soak.ts";
import { inOwnNamespace } from "./own-namespace.ts";
import { soakVerdict } from "./soak/soak-lines.ts";
import { spend, spendLines } from "./spend/spend.ts";
import { isClean } from "./verdict.ts";
import * as workflow from "./workflow/workflow-kills.ts";
import { workflowKillsLines } from "./workflow/workflow-kills-lines.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: "string" },
    hosts: { type: "string", default: "4" },
    faults: { type: "string", default: "200" },
    kills: { type: "string" },
    runs: { type: "string", default: "500" },
    minutes: { type: "string", default: "30" },
    rate: { type: "string", default: "20" },
    "run-every": { type: "string", default: "10" },
    deliveries: { type: "string", default: "1000" },
    seed: { type: "string" },
    permits: { type: "string", default: "50" },
    "healthy-runs": { type: "string", default: "200" },
    keep: { type: "boolean", default: false },
  },
});
const print = (line: string): void => void process.stdout.write(`${line}\n`);

switch (positionals[0]) {
  case "headline": {
    const seed = values.seed === undefined ? testSeed("headline crash test") : Number(values.seed);
    const [jobs, kills] = [Number(values.jobs ?? 500), Number(values.kills ?? 200)];
    const report = await headline({ jobs, kills, seed, keep: values.keep, print });
    for (const line of headlineLines(report, seed)) print(line);
    process.exitCode = isClean(report) ? 0 : 1;
    break;
  }
  case "workflow": {
    const seed = values.seed === undefined ? testSeed("workflow crash test") : Number(values.seed);
    const report = await workflow.workflowKills({ kills: Number(values.kills ?? 100), seed, print });
    for (const line of workflowKillsLines(report, seed)) print(line);
    process.exitCode = workflow.isClean(report) ? 0 : 1;
    break;
  }
  case "daemon": {
    const seed = values.seed === undefined ? testSeed("daemon crash test") : Number(values.seed);
    const [deliveries, kills] = [Number(values.deliveries), Number(values.kills ?? 20)];
    const report = await daemonKills({ deliveries, senders: 32, kills, seed, print });
    for (const line of daemonKillsLines(report, seed)) print(line);
    process.exitCode = report.findings.length === 0 ? 0 : 1;
    break;
  }
  case "daemon-soak": {
    if (!inOwnNamespace("mounts")) break;
    const seed = values.seed === undefined ? testSeed("daemon soak") : Number(values.seed);
    const [minutes, perSecond, runEvery] = [values.minutes, values.rate, values["run-every"]].map(Number) as [
      number,
      number,
      number,
    ];
    const report = await daemonSoak({ minutes, perSecond, runEvery, seed, print });
    const { lines, isClean: isWell } = soakVerdict(report, seed);
    for (const line of lines) print(line);
    process.exitCode = isWell ? 0 : 1;
    break;
  }
  case "fleet": {
    if (!inOwnNamespace("network")) break;
    const seed = values.seed === undefined ? testSeed("crash test of a fleet") : Number(values.seed);
    const [hosts, jobs, faults] = [Number(values.hosts), Number(values.jobs ?? 2000), Number(values.faults)];
    const report = await fleet({ hosts, jobs, faults, seed, print });
    for (const line of fleetLines(report, seed)) print(line);
    process.exitCode = isClean(report) ? 0 : 1;
    break;
  }
  case "spend": {
    const seed = values.seed === undefined ? testSeed("test of money") : Number(values.seed);
    const report = await spend({
      permits: Number(values.permits),
      kills: Number(values.kills ?? 20),
      healthyRuns: Number(values["healthy-runs"]),
      seed,
      print,
    });
    for (const line of spendLines(report, seed)) print(line);
    process.exitCode = report.findings.length === 0 ? 0 : 1;
    break;
  }
  case "burst": {
    const report = await burst(Number(values.runs));
    for (const line of burstLines(report)) print(line);
    process.exitCode = isCalm(report) ? 0 : 1;
    break;
  }
  case "mutants": {
    const rows = await runMutants((row) => print(mutantLine(row)));
    const caught = rows.filter(({ outcome }) => outcome === "caught").length;
    print(`${caught} of ${rows.length} planted bugs caught`);
    process.exitCode = caught === rows.length ? 0 : 1;
    break;
  }
  default:
    print(
      "usage: main.ts headline [--jobs N] [--kills N] [--seed S] [--keep] | workflow [--kills N] [--seed S] | daemon [--deliveries N] [--kills N] [--seed S] | daemon-soak [--minutes N] [--rate N] [--run-every N] [--seed S] | fleet [--hosts N] [--jobs N] [--faults N] [--seed S] | spend [--kills N] [--permits N] [--healthy-runs N] [--seed S] | burst [--runs N] | mutants",
    );
    process.exitCode = 2;
}
