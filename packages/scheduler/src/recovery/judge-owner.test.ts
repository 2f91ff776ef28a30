import { describe, expect, it } from "vitest";
import type { OwnerProcess } from "../job-store.ts";
import { judgeOwner, type OwnerJudgment } from "./judge-owner.ts";

const plain: OwnerProcess = { host: "m", bootId: "b", pid: 1, startTicks: 1 };
const shared: OwnerProcess = { ...plain, place: "m:/state" };
const other = { pid: 2 };
const is = (state: OwnerJudgment["state"], where: OwnerJudgment["where"]): OwnerJudgment => ({
  state,
  where,
});

describe("an owner whose process is alive, or of which nothing is known, or that is gone", () => {
  it.each<[string, OwnerProcess, OwnerProcess | null, OwnerJudgment]>([
    ["signed off", plain, null, is("gone", "here")],
    ["is of this machine", plain, { ...plain, ...other }, is("alive", "here")],
    ["is of this machine under another name", plain, { ...plain, ...other, host: "n" }, is("alive", "here")],
    ["is of another machine", plain, { ...plain, ...other, host: "n", bootId: "c" }, is("unknown", "here")],
    ["was given up by this process", plain, plain, is("unknown", "here")],
    ["signed off on a shared store", shared, null, is("gone", "elsewhere")],
    ["is of this place", shared, { ...shared, ...other }, is("alive", "here")],
    [
      "is of this place, before a boot",
      shared,
      { ...shared, ...other, bootId: "a" },
      is("unknown", "elsewhere"),
    ],
    [
      "has another state directory on this machine",
      shared,
      { ...shared, ...other, place: "m:/else" },
      is("unknown", "elsewhere"),
    ],
    [
      "has the same name on another machine",
      shared,
      { ...shared, ...other, bootId: "c" },
      is("unknown", "elsewhere"),
    ],
    [
      "names no boot on a shared store",
      shared,
      { ...shared, ...other, bootId: null },
      is("unknown", "elsewhere"),
    ],
    ["names no place on a shared store", shared, { ...plain, ...other }, is("unknown", "elsewhere")],
    ["was given up by this process on a shared store", shared, shared, is("unknown", "here")],
  ])("%s", (_what, process, theirs, judgment) => {
    const record = { owner: "o", process: theirs, leaseMs: 1, at: 1, beat: 1 };
    const observer = { process, processState: () => "alive" as const, isHeldHere: () => false };
    expect(judgeOwner(record, observer)).toEqual(judgment);
  });

  it("is asked about only on the same machine and place", () => {
    const asked: number[] = [];
    const processState = ({ pid }: OwnerProcess) => {
      asked.push(pid);
      return "gone" as const;
    };
    const observer = { process: shared, processState, isHeldHere: () => false };
    const record = { owner: "o", leaseMs: 1, at: 1, beat: 1 };
    expect(judgeOwner({ ...record, process: { ...shared, pid: 2 } }, observer).state).toBe("gone");
    expect(judgeOwner({ ...record, process: { ...shared, pid: 3, bootId: "c" } }, observer).state).toBe(
      "unknown",
    );
    expect(asked).toEqual([2]);
  });
});
