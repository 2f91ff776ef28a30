/**
 * `agentcore doctor`: checks what this machine offers for running agents, and says what to do about anything missing.
 * Changes nothing.
 */
import { cureOf, ignore, isAgentCoreError } from "@agentcore/contract";
import { loadConfig, noConfig, type LoadedConfig } from "../config/load.ts";
import {
  configurationCheck,
  examineContainment,
  examineDaemon,
  examineGit,
  examineNode,
  examineQuarantine,
  examineState,
  runLimitsCheck,
} from "../doctor/examine.ts";
import { examineStore } from "../doctor/examine-store.ts";
import type { Check, DoctorReport } from "../doctor/report.ts";
import { examineWorkers, isBroken } from "../doctor/workers.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { doctorLines } from "../doctor/doctor-screen.ts";
import { plainScreen } from "../screen/terminal.ts";
import { resolveStateDir } from "../state/state-dir.ts";
import { packageVersion } from "../version.ts";

export interface DoctorOptions {
  readonly json?: boolean;
  /** Say how each finding was found out. */
  readonly verbose?: boolean;
  readonly config?: string;
  readonly stateDir?: string;
}

export async function doctor(options: DoctorOptions, io: Io): Promise<number> {
  const report = await examine(options, io);
  if (options.json === true) io.stdout.json({ type: "doctor", ...report });
  else plainScreen(io.stdout).print(doctorLines(report, options.verbose));
  return report.ok ? exitCodes.succeeded : exitCodes.failed;
}

async function examine(options: DoctorOptions, io: Io): Promise<DoctorReport> {
  const { loaded, check: config } = await examineConfig(options, io);
  const state = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
  const { check: containment, options: programs } = await examineContainment(state, io.env);
  const [git, stateCheck, workers] = await Promise.all([
    examineGit(io.env, programs),
    examineState(state, loaded.config.backpressure.disk_free.defer),
    examineWorkers(loaded, io.env, programs),
  ]);
  const store =
    state.store === null ? [] : [await examineStore(state.store, programs.containment.level === "sealed")];
  const quarantine = examineQuarantine(state);
  const limits = runLimitsCheck(programs.containment.limits, loaded.config.limits);
  const node = examineNode(process.versions.node);
  const daemon = examineDaemon(state);
  const checks = [node, containment, limits, git, stateCheck, ...store, daemon, quarantine, config];
  return {
    version: packageVersion(),
    ok: checks.every(({ status }) => status !== "bad") && !workers.some(isBroken),
    checks,
    workers,
  };
}

/** A broken configuration is a finding; the rest is examined without it. */
async function examineConfig(
  options: DoctorOptions,
  io: Io,
): Promise<{ loaded: LoadedConfig; check: Check }> {
  const check = { id: "configuration", title: "Configuration" };
  try {
    const loaded = await loadConfig({
      cwd: io.cwd,
      env: io.env,
      path: options.config,
    });
    return { loaded, check: configurationCheck(loaded) };
  } catch (error) {
    if (!isAgentCoreError(error)) throw error;
    ignore(error, "it is reported as a check");
    const loaded = noConfig();
    return {
      loaded,
      check: { ...check, status: "bad", detail: error.message, cure: cureOf(error.code, "command line") },
    };
  }
}
