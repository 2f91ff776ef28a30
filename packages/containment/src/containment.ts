/**
 * The port over one implementation: check the command, record the run, make its cgroup, launch, find the box, hand it
 * out. Takes what it needs as parameters; `open.ts` composes it with the real ones.
 */
import { AgentCoreError, type Clock, type ContainmentReceipt } from "@agentcore/contract";
import { RunCgroup } from "./cgroup.ts";
import { ContainedRun } from "./contained-run.ts";
import { commandLine, levelOf, type Implementation } from "./implementations.ts";
import { launch } from "./launch.ts";
import { pidNamespaceBox } from "./pid-namespace-box.ts";
import type { Contained, ContainedCommand, Containment } from "./port.ts";
import { processGroupBox } from "./process-group-box.ts";
import { readProcess } from "./proc.ts";
import { checkCommand } from "./programs.ts";
import type { RunRegistry } from "./registry.ts";
import { clearRun } from "./sweep.ts";

export interface ContainmentParts {
  readonly implementation: Implementation;
  readonly clock: Clock;
  /** Where runs' cgroups are made; null where none can be. */
  readonly cgroupParent: string | null;
  /** Where runs are recorded for a later sweep; null: nowhere. */
  readonly registry: RunRegistry | null;
}

export function createContainment(parts: ContainmentParts): Containment {
  const { name } = parts.implementation;
  return {
    implementation: name,
    level: levelOf(name),
    start: (command) => start(parts, command),
  };
}

async function start(parts: ContainmentParts, command: ContainedCommand): Promise<Contained> {
  checkCommand(command);
  const cgroup = parts.cgroupParent === null ? null : RunCgroup.create(parts.cgroupParent, command.marker);
  const { implementation, clock, registry } = parts;
  const record = registry?.add({
    marker: command.marker,
    implementation: implementation.name,
    cgroupPath: cgroup?.directory ?? null,
  });
  try {
    const launched = await launch(
      commandLine(implementation, command, cgroup?.directory ?? null),
      command,
      clock,
    );
    const boxParts = {
      implementation: implementation.name,
      marker: command.marker,
      launched,
      cgroup: launched.inCgroup ? cgroup : null,
    };
    if (!launched.inCgroup) cgroup?.remove();
    const box =
      implementation.name === "process-group" ? processGroupBox(boxParts) : pidNamespaceBox(boxParts);
    if (box === null) {
      launched.killOutermost();
      throw new AgentCoreError(
        "AC_WORKER_SPAWN",
        `${implementation.name}: the box died before its payload began`,
      );
    }
    record?.identify(box.identity);
    const onEnded = (receipt: ContainmentReceipt): void => {
      if (receipt.survivors === 0) record?.remove();
    };
    return new ContainedRun({
      level: levelOf(implementation.name),
      implementation: implementation.name,
      box,
      launched,
      clock,
      onEnded,
    });
  } catch (error) {
    // No payload was released, but a wrapper may be left that waits for ever.
    const cleared = await clearRun(
      {
        marker: command.marker,
        cgroupPath: cgroup?.directory ?? null,
        identity: null,
        notBeforeTicks: readProcess(process.pid)?.startTicks ?? 0,
      },
      clock,
    );
    if (cleared.empty) record?.remove();
    throw error;
  }
}
