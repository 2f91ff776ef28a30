/** Requirements that need no process: what the adapter is, what it plans, and what its reader survives. */
import { existsSync, readdirSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import {
  Cancellation,
  type Capability,
  type PlanContext,
  type StopCause,
  type WorkerEvent,
  type WorkerPlan,
  type WorkerReport,
} from "@agentcore/contract";
import { adapterProblems } from "../../adapter-shape.ts";
import { workerEnvironment } from "../../environment.ts";
import { damage } from "../damage.ts";
import { seededRandom } from "@agentcore/contract/testing";
import { makePermit, makeTask } from "../drive.ts";
import { makeTemporaryDirectory } from "../temporary-directories.ts";
import { checkEvents, checkReport } from "./contract-fields.ts";
import { mustHold, type AdapterConformanceOptions, type ConformanceCheck } from "./options.ts";

export function adapterChecks(options: AdapterConformanceOptions, seed: number): ConformanceCheck[] {
  const check = (name: string, run: () => void): ConformanceCheck => ({
    name,
    run: () => new Promise((met) => met(run())),
  });
  return [
    check("the adapter has the shape of the contract", () => {
      const problems = adapterProblems(options.adapter);
      mustHold(problems.length === 0, problems.join("; "));
    }),
    check("the same task and context give the same plan, and planning changes nothing", () =>
      planIsPure(options),
    ),
    check("every set of the capabilities that it offers can be planned", () => everySetIsPlanned(options)),
    check("no credential is part of the command line, where every user can read it", () =>
      noSecretInArgs(options),
    ),
    check("the environment that it plans is one that a worker may have", () =>
      plannedEnvironmentIsAllowed(options),
    ),
    check("the reader understands its own success, and reports it once and for all", () =>
      readsSuccess(options),
    ),
    check("the reader gives only events of the contract for the output of each failure", () =>
      readsEveryOutput(options),
    ),
    check(
      `the reader never throws, and gives only events of the contract, whatever it reads (AGENTCORE_SEED=${seed})`,
      () => readerSurvives(options, seed),
    ),
  ];
}

const secret = "conformance-secret-value";

function planWith(
  options: AdapterConformanceOptions,
  attemptDir: string,
  capabilities?: readonly Capability[],
): WorkerPlan {
  const { adapter } = options;
  const task = makeTask(adapter, "/tmp", {
    ...options.task,
    ...(capabilities === undefined ? {} : { capabilities: [...capabilities] }),
  });
  const context: PlanContext = {
    grants: makePermit(task, new Cancellation<StopCause>(), options.model ?? null).grants,
    program: `/opt/bin/${adapter.program.command}`,
    hostEnv: planningEnv(options),
    attemptDir,
    settings: options.settings ?? {},
  };
  return adapter.plan(freezeAll(task), freezeAll(context));
}

/** What the author gives, and every credential variable set. */
function planningEnv(options: AdapterConformanceOptions): Record<string, string> {
  const credentials = options.adapter.program.credentialEnv.map((name) => [name, secret] as const);
  return {
    PATH: "/usr/bin:/bin",
    HOME: "/home/somebody",
    ...options.hostEnv,
    ...Object.fromEntries(credentials),
  };
}

function freezeAll<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freezeAll(member);
  }
  return value;
}

function planIsPure(options: AdapterConformanceOptions): void {
  const attemptDir = makeTemporaryDirectory("conformance");
  const first = planWith(options, attemptDir);
  const second = planWith(options, attemptDir);
  mustHold(isDeepStrictEqual(first, second), "two plans of one task differ");
  mustHold(readdirSync(attemptDir).length === 0, "planning wrote files; name them in `files` instead");
  for (const path of Object.keys(first.files ?? {})) {
    mustHold(!existsSync(path), `planning wrote ${path}; the runner does that`);
  }
}

function everySetIsPlanned(options: AdapterConformanceOptions): void {
  const offered = options.adapter.capabilities;
  for (let bits = 0; bits < 2 ** offered.length; bits += 1) {
    const set = offered.filter((_, index) => (bits & (1 << index)) !== 0);
    const plan = planWith(options, "/nonexistent/attempt", set);
    mustHold(plan.command !== "", `no command for the capabilities ${set.join(", ")}`);
    mustHold(plan.home === "own" || plan.home === "user", "home is neither own nor user");
  }
}

function noSecretInArgs(options: AdapterConformanceOptions): void {
  const plan = planWith(options, "/nonexistent/attempt");
  const exposed = [plan.command, ...plan.args].find((arg) => arg.includes(secret));
  mustHold(exposed === undefined, "a credential of the environment is an argument; pass it in `env`");
}

function plannedEnvironmentIsAllowed(options: AdapterConformanceOptions): void {
  const plan = planWith(options, "/nonexistent/attempt");
  workerEnvironment({
    hostEnv: {},
    home: plan.home,
    attemptDir: "/nonexistent/attempt",
    planEnv: plan.env,
    taskEnv: {},
    marks: {},
  });
}

function read(
  options: AdapterConformanceOptions,
  stdout: readonly string[],
  stderr: readonly string[] = [],
): { readonly events: readonly WorkerEvent[]; readonly report: WorkerReport } {
  const task = makeTask(options.adapter, "/tmp", options.task);
  const reader = options.adapter.createReader({ task, model: options.model ?? null });
  const events: WorkerEvent[] = [];
  for (const line of stdout) events.push(...reader.stdout(line, false));
  for (const line of stderr) events.push(...reader.stderr(line, false));
  reader.fatal?.();
  return { events, report: reader.end() };
}

function readsSuccess(options: AdapterConformanceOptions): void {
  const { events, report } = read(options, options.success.stdout, options.success.stderr);
  checkEvents(events);
  checkReport(report);
  mustHold(
    report.terminal === "success" || report.terminal === "not-applicable",
    `the success is reported as terminal: ${report.terminal}`,
  );
  mustHold(report.error === null, `the success is reported with an error: ${report.error?.message}`);
  mustHold(report.malformedLines === 0, `${report.malformedLines} lines of the success are not understood`);
  const silent = read(options, []).report;
  mustHold(silent.terminal !== "success", "a worker that printed nothing is reported as a success");
}

function readsEveryOutput(options: AdapterConformanceOptions): void {
  const outputs = [...options.failures, { name: "beginning", stdout: options.beginning, stderr: [] }];
  for (const { name, stdout, stderr } of outputs) {
    try {
      const { events, report } = read(options, stdout, stderr);
      checkEvents(events);
      checkReport(report);
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    }
  }
}

function readerSurvives(options: AdapterConformanceOptions, seed: number): void {
  const random = seededRandom(seed);
  const outputs = [options.success, ...options.failures, { stdout: options.beginning }];
  for (let round = 0; round < (options.fuzzRounds ?? 300); round += 1) {
    const { stdout, stderr = [] } = outputs[Math.floor(random.next() * outputs.length)] ?? options.success;
    const damaged = damage(stdout.length === 0 ? ["{}"] : stdout, random);
    const { events, report } = read(options, damaged, damage(stderr, random));
    try {
      checkEvents(events);
      checkReport(report);
    } catch (error) {
      throw new Error(`${(error as Error).message}\nafter reading:\n${damaged.join("\n")}`, { cause: error });
    }
  }
}
