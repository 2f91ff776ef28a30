/**
 * The conformance suite for adapters, for any test runner: a list of checks to make tests of, or one call that runs them
 * all. Needs Linux, bash and util-linux, starts some thirty short processes, and takes about ten seconds.
 */
import { errorText } from "@agentcore/contract";
import { adapterChecks } from "./adapter-checks.ts";
import type { AdapterConformanceOptions, ConformanceCheck, ConformanceReport } from "./options.ts";
import { runChecks } from "./run-checks.ts";
import { spendGateChecks } from "./spend-gate-checks.ts";

/** The checks, in order; each may be run alone. */
export function adapterConformanceChecks(options: AdapterConformanceOptions): ConformanceCheck[] {
  return [
    ...adapterChecks(options, options.seed ?? defaultSeed()),
    ...spendGateChecks(options),
    ...runChecks(options),
  ];
}

/** Runs every check, one after the other. Never rejects: what is not met is in the report. */
export async function runAdapterConformance(options: AdapterConformanceOptions): Promise<ConformanceReport> {
  const seed = options.seed ?? defaultSeed();
  const checks: { name: string; failure: string | null; durationMs: number }[] = [];
  for (const check of adapterConformanceChecks({ ...options, seed })) {
    const startedMs = performance.now();
    const failure = await check.run().then(
      () => null,
      (error: unknown) => errorText(error),
    );
    checks.push({ name: check.name, failure, durationMs: performance.now() - startedMs });
  }
  const passed = checks.every(({ failure }) => failure === null);
  return { adapter: options.adapter.name, seed, passed, checks };
}

/** The report as lines for a terminal. */
export function formatConformanceReport(report: ConformanceReport): string {
  const lines = report.checks.map(({ name, failure, durationMs }) => {
    const head = `${failure === null ? "ok  " : "FAIL"} ${name} (${Math.round(durationMs)} ms)`;
    return failure === null ? head : `${head}\n       ${failure.replaceAll("\n", "\n       ")}`;
  });
  const failed = report.checks.filter(({ failure }) => failure !== null).length;
  const total = `${report.adapter}: ${report.checks.length - failed} of ${report.checks.length} met, seed ${report.seed}`;
  return [...lines, total].join("\n");
}

/** `AGENTCORE_SEED` where it is set, so that a failure seen elsewhere can be repeated without touching the test. */
function defaultSeed(): number {
  const given = Number.parseInt(process.env["AGENTCORE_SEED"] ?? "", 10);
  return Number.isNaN(given) ? 20_261_124 : given;
}
