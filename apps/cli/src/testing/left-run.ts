/**
 * A run that a dead process could not empty, as its record in a state directory says. What is left of it is simulated
 * by the namespace it is recognised by: this process's own, which no sweep can empty.
 */
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scratch } from "./agentcore-process.ts";

export interface LeftRun {
  readonly file: string;
  /** From now on nothing of it is left. */
  end(): void;
}

export interface LeftRunOptions {
  readonly marker: string;
  readonly label: string;
  readonly cwd: string;
}

/** No process has this pid: the kernel gives lower ones. */
const deadPid = 2 ** 22;

export function leaveRun(scratch: Scratch, { marker, label, cwd }: LeftRunOptions): LeftRun {
  const directory = join(scratch.stateDir, "containment", "runs");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${marker}.json`);
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const ownNamespace = readlinkSync("/proc/self/ns/pid");
  const write = (pidNamespace: string): void => {
    const implementation = "unshare";
    const box = { hostPid: deadPid, hostPidStartTicks: 1, pidNamespace, cgroupPath: null, bootId };
    const record = {
      version: 1,
      marker,
      label,
      cwd,
      implementation,
      cgroupPath: null,
      bootId,
      owner: { pid: deadPid, startTicks: 1, pidNamespace: ownNamespace },
      identity: { marker, implementation, ...box },
    };
    writeFileSync(file, JSON.stringify(record));
  };
  write(ownNamespace);
  return { file, end: () => write("pid:[1]") };
}
