/**
 * Implements the port for one implementation: checks the command, records the run, makes its cgroup, launches and finds the
 * box, and returns the run. All dependencies are parameters; `open.ts` binds them to the real ones.
 */
import { AgentCoreError, readProcess, type Clock } from "@agentcore/contract";
import { RunCgroup } from "./cgroup.ts";
import { ContainedRun } from "./contained-run.ts";
import { commandLine, hidesFiles, levelOf, type Implementation } from "./implementations.ts";
import { createLaunchLine } from "./launch-line.ts";
import { launch } from "./launch.ts";
import { initBelow, pidNamespaceBox } from "./pid-namespace-box.ts";
import type { Contained, ContainedCommand, Containment } from "./port.ts";
import { processGroupBox } from "./process-group-box.ts";
import { checkCommand } from "./programs.ts";
import type { RunRegistry } from "./registry.ts";
import { limitEnforcement, limitScript, ownProcesses, type CgroupController } from "./run-limits.ts";
import { stopTiming } from "./contained-run-states.ts";
import { clearRun } from "./sweep.ts";
import { planView, type View } from "./view.ts";

export interface ContainmentOptions {
  readonly implementation: Implementation;
  readonly clock: Clock;
  /** Where cgroups for runs are made; null if that is impossible. */
  readonly cgroupParent: string | null;
  /** Controllers that can limit a run in such a cgroup. Default: none. */
  readonly controllers?: readonly CgroupController[];
  /** Registry for a later sweep; null: runs are not recorded. */
  readonly registry: RunRegistry | null;
  /** See `OpenContainmentOptions.hidden`. */
  readonly hidden: readonly string[];
}

export function createContainment(options: ContainmentOptions): Containment {
  const { name } = options.implementation;
  const line = createLaunchLine(launchesMax);
  return {
    implementation: name,
    level: levelOf(name),
    hides: hidesFiles(name),
    limits: limitEnforcement(options.implementation, options.controllers ?? []),
    start: (command) => line.inTurn(() => start(options, command), command.signal),
  };
}

/** Maximum of concurrent launches: enough to keep two processors busy. */
const launchesMax = 4;

async function start(options: ContainmentOptions, command: ContainedCommand): Promise<Contained> {
  checkCommand(command);
  const view = planView(hidesFiles(options.implementation.name) ? options.hidden : [], command);
  const { implementation, clock, cgroupParent } = options;
  const cgroupPath = cgroupParent === null ? null : RunCgroup.directoryOf(cgroupParent, command.marker);
  const record = options.registry?.add({
    marker: command.marker,
    label: command.label,
    cwd: command.cwd,
    implementation: implementation.name,
    cgroupPath,
  });
  try {
    const { box, launched } = await build(options, command, view);
    await record?.identify(box.identity);
    return new ContainedRun({
      level: levelOf(implementation.name),
      implementation: implementation.name,
      box,
      launched,
      clock,
      signal: command.signal,
      timing: stopTiming(command),
      onEnded: ({ survivors }) => record?.end(survivors),
    });
  } catch (error) {
    // No payload was released, but a wrapper may be left waiting.
    const notBeforeTicks = readProcess(process.pid)?.startTicks ?? 0;
    const trail = { marker: command.marker, cgroupPath, identity: null, notBeforeTicks };
    const { empty, survivors } = await clearRun(trail, clock);
    record?.end(empty ? 0 : Math.max(1, survivors.length));
    throw error;
  }
}

/** Makes the cgroup, launches the box and finds it. The caller cleans up after a failure. */
async function build(
  { implementation, clock, cgroupParent }: ContainmentOptions,
  command: ContainedCommand,
  view: View,
) {
  const made = cgroupParent === null ? null : RunCgroup.create(cgroupParent, command.marker);
  const { name } = implementation;
  const limits = command.limits ?? {};
  const held = made?.limit(limits, ownProcesses(implementation, "cgroup")) ?? new Set();
  const first = limitScript(implementation, limits, held);
  let prepared: Promise<void> | undefined;
  const launched = await launch(commandLine(implementation, command, view, first), command, clock, (pid) => {
    prepared = made?.prepareToAdd(pid);
  });
  await prepared;
  const init = name === "process-group" ? launched.pid : initBelow(launched.pid);
  // Done from outside: as root, the box cannot write to the hierarchy.
  const cgroup = init !== null && made?.add(init) === true ? made : null;
  if (cgroup === null) made?.remove();
  if (cgroup === null && held.size > 0) {
    launched.killOutermost();
    throw new AgentCoreError(
      "AC_WORKER_SPAWN",
      `${name}: the box cannot be put into the cgroup that limits it`,
    );
  }
  const options = { implementation: name, marker: command.marker, launched, cgroup, termTo: command.termTo };
  const box = name === "process-group" ? processGroupBox(options) : pidNamespaceBox(options);
  if (box !== null) return { box, launched };
  launched.killOutermost();
  throw new AgentCoreError("AC_WORKER_SPAWN", `${name}: the box died before its payload began`);
}
