/**
 * A run that a dead process could not empty, as its record in a state directory says. What is left of it is simulated
 * by a PID namespace in which something runs that does not bear the run's marker, and so is killed by no sweep.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { patienceMs } from "@agentcore/contract/testing";
import type { Scratch } from "./agentcore-process.ts";

export interface LeftRun {
  readonly file: string;
  /** Ends everything that is left of it. */
  end(): void;
}

export interface LeftRunOptions {
  readonly marker: string;
  readonly label: string;
  readonly cwd: string;
}

/** No process has this pid: the kernel assigns lower ones. */
const deadPid = 2 ** 22;

export function leaveRun(scratch: Scratch, { marker, label, cwd }: LeftRunOptions): LeftRun {
  const directory = join(scratch.stateDir, "containment", "runs");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${marker}.json`);
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const ownNamespace = readlinkSync("/proc/self/ns/pid");
  const { pid, pidNamespace } = startNamespace(ownNamespace);
  const implementation = "unshare";
  const box = { hostPid: pid, hostPidStartTicks: startTicksOf(pid), pidNamespace, cgroupPath: null, bootId };
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
  writeFileSync(file, JSON.stringify(record), { mode: 0o600 });
  return {
    file,
    end() {
      process.kill(pid, "SIGKILL");
      waitFor(() => !existsSync(`/proc/${pid}/ns/pid`));
    },
  };
}

function startTicksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
}

/** Pid of its init, in our namespace. */
function startNamespace(own: string): { readonly pid: number; readonly pidNamespace: string } {
  const box = "--user --map-current-user --pid --fork --kill-child sleep 300".split(" ");
  const wrapper = spawn("setpriv", ["--pdeathsig", "KILL", "--", "unshare", ...box], { stdio: "ignore" });
  const children = `/proc/${wrapper.pid}/task/${wrapper.pid}/children`;
  const init = (): number => Number(existsSync(children) ? readFileSync(children, "utf8").trim() : "");
  waitFor(() => init() > 0 && readlinkSync(`/proc/${init()}/ns/pid`) !== own);
  return { pid: init(), pidNamespace: readlinkSync(`/proc/${init()}/ns/pid`) };
}

function waitFor(isSo: () => boolean): void {
  const lock = new Int32Array(new SharedArrayBuffer(4));
  for (const until = Date.now() + patienceMs(10_000); !isSo(); Atomics.wait(lock, 0, 0, 5))
    if (Date.now() > until) throw new Error("the namespace of a left run is not as it should be");
}
