import { omitUndefined, type WorkerEvent } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { withLiveGrowth } from "../testing/live-memory.ts";
import { createActivityLog } from "./activity-log.ts";

const call = (id: string, command?: string): WorkerEvent => ({
  type: "tool_call",
  id,
  tool: "Bash",
  summary: "",
  ...omitUndefined({ command }),
});
const result = (id: string, exitCode: number | null): WorkerEvent => ({
  type: "tool_result",
  id,
  ok: exitCode === 0,
  exitCode,
  summary: "",
});
const change = (path: string): WorkerEvent => ({ type: "file_change", path, change: "modify" });

describe("what a worker said it did", () => {
  it("holds its commands in order, with their exit codes as far as they came", () => {
    const log = createActivityLog("/w", 10);
    for (const event of [
      call("1", "a"),
      call("2", "b"),
      call("3"),
      result("2", 5),
      result("9", 1),
      result("1", 0),
    ]) {
      log.add(event);
    }
    log.add(call("4", "c"));
    expect(log.commands()).toEqual([
      { command: "a", exitCode: 0 },
      { command: "b", exitCode: 5 },
      { command: "c", exitCode: null },
    ]);
  });

  it("is bounded, and says how much is missing", () => {
    const log = createActivityLog("/w", 2);
    for (let index = 0; index < 5; index += 1) log.add(call(String(index), `c${index}`));
    expect(log.commands().map(({ command }) => command)).toEqual([
      "c0",
      "c1",
      "… and 3 more commands, see the log",
    ]);
    const long = createActivityLog("/w", 2);
    long.add(call("1", "x".repeat(5000)));
    expect(long.commands()[0]?.command).toHaveLength(4001);
  });

  it("holds claimed files inside the workspace only, relative to it, once each", () => {
    const log = createActivityLog("/w", 10);
    for (const path of ["/w/a", "b/../c", "a", "/other/d", "../e", "/w", "..f"]) log.add(change(path));
    expect(log.claimedFiles()).toEqual(["a", "c", "..f"]);
  });

  it("holds no more memory than it shows, however long the commands and paths were", async () => {
    const { value, growthMb } = await withLiveGrowth(async () => {
      const log = createActivityLog("/w", 10_000);
      for (let at = 0; at < 300; at += 1) {
        log.add(call(String(at), `${at}${"x".repeat(1024 ** 2)}`));
        log.add(change(`${at}${"y".repeat(1024 ** 2)}`));
      }
      return log;
    });
    expect(value.commands()).toHaveLength(300);
    expect(value.claimedFiles()).toEqual([]);
    expect(growthMb).toBeLessThan(50);
  });
});
