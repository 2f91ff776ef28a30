/**
 * Decides what is known about another owner. A pure function.
 *
 * | the other owner                                         | machines share the store: no | yes                        |
 * | ------------------------------------------------------- | ---------------------------- | -------------------------- |
 * | has signed off                                          | `gone`                       | `gone`, `elsewhere`        |
 * | another machine                                         | `unknown`                    | `unknown`, `elsewhere`     |
 * | the same machine, another state directory or boot       | its process                  | `unknown`, `elsewhere`     |
 * | the same machine and place                              | its process                  | its process                |
 * | this very process, which has given that owner up        | `unknown`                    | `unknown`                  |
 *
 * `unknown`: its lease decides. `elsewhere`: nobody here can prove its runs gone. That its lease has run out is the proof,
 * because it stops its runs in the first half of it.
 */
import type { OwnerProcess, OwnerProcessState, OwnerRecord } from "../job-store.ts";

export interface Observer {
  readonly process: OwnerProcess;
  /** Called only for processes of this machine. */
  readonly processState: (process: OwnerProcess) => OwnerProcessState;
  /** Whether the owner belongs to a scheduler of this process that still works. */
  readonly isHeldHere: (owner: string) => boolean;
}

export interface OwnerJudgment {
  readonly state: OwnerProcessState;
  readonly where: "here" | "elsewhere";
}

export function judgeOwner({ owner, process: other }: OwnerRecord, observer: Observer): OwnerJudgment {
  const { process, processState, isHeldHere } = observer;
  // It has signed off only after its runs had ended.
  if (other === null) return { state: "gone", where: process.place === undefined ? "here" : "elsewhere" };
  if (isElsewhere(other, process)) return { state: "unknown", where: "elsewhere" };
  if (!isSameMachine(other, process)) return { state: "unknown", where: "here" };
  const state = processState(other);
  const isGivenUp = state === "alive" && isSameProcess(other, process) && !isHeldHere(owner);
  return { state: isGivenUp ? "unknown" : state, where: "here" };
}

/** Where machines share the store: a process whose runs this one cannot sweep. */
function isElsewhere(other: OwnerProcess, process: OwnerProcess): boolean {
  if (process.place === undefined) return false;
  return other.place !== process.place || other.bootId === null || other.bootId !== process.bootId;
}

/** The boot id identifies the machine; a host's name may change, and containers on one machine have several. */
function isSameMachine(a: OwnerProcess, b: OwnerProcess): boolean {
  return a.host === b.host || (a.bootId !== null && a.bootId === b.bootId);
}

function isSameProcess(a: OwnerProcess, b: OwnerProcess): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;
}
