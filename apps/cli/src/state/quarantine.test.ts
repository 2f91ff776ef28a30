import type { SweptRun } from "@agentcore/containment";
import { silentLog, type Escalation } from "@agentcore/contract";
import { createManualClock } from "@agentcore/core/testing";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createAgentCore, type AgentCore } from "../create-agent-core.ts";
import { describeLeft, Quarantine } from "./quarantine.ts";
import { agentcore, makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { leaveRun } from "../testing/left-run.ts";

const run = (cwd: string | null, more: Partial<SweptRun> = {}): SweptRun => ({
  file: "/runs/m.json",
  marker: "m",
  label: "job-1#2",
  cwd,
  verdict: "left",
  damage: null,
  found: 1,
  survivors: [{ pid: 17, startTicks: 1, name: "sleep" }],
  ...more,
});

it.each([
  [run("/w"), "job job-1 (attempt 2) left sleep (pid 17)"],
  [run("/w", { label: "a#b#3" }), "job a#b (attempt 3) left sleep (pid 17)"],
  [run("/w", { label: null }), "run m left sleep (pid 17)"],
  [run("/w", { survivors: [] }), "job job-1 (attempt 2) left processes that cannot be identified from here"],
])("%j is described", (left, text) => {
  expect(describeLeft(left)).toBe(text);
});

describe("a quarantine", () => {
  function rig(leftAtFirst: readonly SweptRun[]) {
    let left: readonly SweptRun[] | Error = leftAtFirst;
    const shut = new Set<string>();
    const listeners = new Set<(escalation: Escalation) => void>();
    const clock = createManualClock();
    const quarantine = new Quarantine({
      containment: {
        left: () => {
          if (left instanceof Error) throw left;
          return left;
        },
      },
      runtime: {
        quarantine: (workspace) => void shut.add(workspace),
        liftQuarantine: (workspace) => shut.delete(workspace),
        onEscalation: (listener) => {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
      },
      clock,
      log: silentLog,
    });
    const escalate = (code: string, target: string): void => {
      const about = { stage: "isolate_workspace", message: "", evidence: {}, at: 0 } as const;
      for (const listener of listeners) listener({ ...about, code, target } as Escalation);
    };
    const now = (next: readonly SweptRun[] | Error): void => {
      left = next;
    };
    return { quarantine, shut, clock, escalate, now };
  }

  it("shuts what was left, and lifts it when it is gone and not before", () => {
    const { shut, clock, now } = rig([run("/a"), run("/b"), run(null)]);
    expect([...shut]).toEqual(["/a", "/b"]);
    clock.advance(60_000);
    expect([...shut]).toEqual(["/a", "/b"]);
    now([run("/b")]);
    clock.advance(5000);
    expect([...shut]).toEqual(["/b"]);
  });

  it("does not lift what it could not look at", () => {
    const { shut, clock, now } = rig([run("/a")]);
    now(new Error("EMFILE"));
    clock.advance(60_000);
    expect([...shut]).toEqual(["/a"]);
    now([]);
    clock.advance(5000);
    expect([...shut]).toEqual([]);
  });

  it("lifts what the runtime shut for a run of its own, and nothing that it shut for another reason", () => {
    const { shut, clock, escalate, now } = rig([]);
    now([run("/a:b")]);
    for (const workspace of ["/a:b", "/failing"]) shut.add(workspace);
    escalate("AC_UNCONTAINED", "workspace:/a:b");
    escalate("AC_WORKSPACE_ISOLATED", "workspace:/failing");
    clock.advance(5000);
    expect([...shut]).toEqual(["/a:b", "/failing"]);
    now([]);
    clock.advance(5000);
    expect([...shut]).toEqual(["/failing"]);
  });

  it("rests while nothing is shut, and when it is closed", () => {
    const resting = rig([]);
    expect(resting.clock.pendingTimers).toBe(0);
    const closed = rig([run("/a")]);
    closed.quarantine.close();
    expect(closed.clock.pendingTimers).toBe(0);
  });
});

describe("with a real state directory", () => {
  const scratches: Scratch[] = [];
  const cores: AgentCore[] = [];
  afterEach(async () => {
    for (const core of cores.splice(0)) await core.close();
    for (const scratch of scratches.splice(0)) await scratch.remove();
  });

  it("a workspace stays shut for a new process until what is left there is gone", async () => {
    const scratch = makeScratch();
    scratches.push(scratch);
    const other = join(scratch.root, "other");
    mkdirSync(other);
    const record = leaveRun(scratch, { marker: "left-1", label: "job-1#1", cwd: scratch.workspace });
    const core = await createAgentCore({ stateDir: scratch.stateDir });
    cores.push(core);
    const codeIn = async (workspace: string): Promise<string | undefined> => {
      const handle = await core.submit({ task: { worker: "shell", workspace, instructions: "true" } });
      return (await handle.result()).reason?.code;
    };
    expect(await codeIn(scratch.workspace)).toBe("AC_UNCONTAINED");
    expect(await codeIn(other)).toBeUndefined();
    record.end();
    await expect.poll(() => codeIn(scratch.workspace), { interval: 500 }).toBeUndefined();
  });

  it("`doctor` names it, and changes nothing", async () => {
    const scratch = makeScratch();
    scratches.push(scratch);
    const left = leaveRun(scratch, { marker: "left-3", label: "job-1#1", cwd: scratch.workspace });
    const doctor = async () => {
      const { stdout } = await agentcore(scratch, ["doctor", "--json", "--state-dir", scratch.stateDir]);
      const { checks } = JSON.parse(stdout) as { checks: { id: string }[] };
      return checks.find(({ id }) => id === "quarantine");
    };
    expect(await doctor()).toMatchObject({
      status: "warn",
      detail: expect.stringContaining(`${scratch.workspace}: job job-1 (attempt 1) left`),
    });
    expect(existsSync(left.file)).toBe(true);
    left.end();
    expect(await doctor()).toMatchObject({ status: "ok" });
  });

  it("`why` of a job in such a workspace names what was left there, as long as it is there", async () => {
    const scratch = makeScratch();
    scratches.push(scratch);
    const place = ["--workspace", scratch.workspace, "--state-dir", scratch.stateDir];
    const submitted = await agentcore(scratch, ["submit", "true", "--worker", "shell", "--json", ...place]);
    const { id } = JSON.parse(submitted.stdout) as { id: string };
    const left = leaveRun(scratch, { marker: "left-4", label: "job-1#1", cwd: scratch.workspace });
    const why = async () => (await agentcore(scratch, ["why", id, "--state-dir", scratch.stateDir])).stdout;
    expect(await why()).toContain("job job-1 (attempt 1) left");
    left.end();
    expect(await why()).not.toContain("job-1 (attempt 1)");
  });

  it("what is gone by itself shuts nothing", async () => {
    const scratch = makeScratch();
    scratches.push(scratch);
    leaveRun(scratch, { marker: "left-2", label: "job-1#1", cwd: scratch.workspace }).end();
    const core = await createAgentCore({ stateDir: scratch.stateDir });
    cores.push(core);
    const task = { worker: "shell", workspace: scratch.workspace, instructions: "true" };
    expect((await (await core.submit({ task })).result()).state).toBe("succeeded");
  });
});
