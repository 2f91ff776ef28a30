/** What the runner makes of containment that fails, leaves something behind, or never closes a stream. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import {
  openContainment,
  type Contained,
  type ContainedCommand,
  type Containment,
} from "@agentcore/containment";
import { AgentCoreError, workerResultSchema } from "@agentcore/contract";
import { beforeAll, describe, expect, it } from "vitest";
import { drive, driveToEnd } from "../testing/drive.ts";
import { createFakeAgent } from "../testing/fake-agent.ts";
import type { FakeStep } from "../testing/fake-agent-script.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";
import { findSurvivors } from "../testing/survivors.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";

const say: FakeStep = {
  do: "print",
  stream: "stdout",
  lines: ['{"type":"result","ok":true,"summary":"done"}'],
};
const write: FakeStep = { do: "write_file", path: "a", content: "x" };

let real: Containment;
beforeAll(async () => {
  real = await openContainment();
});

/** The real containment, with something done to what it starts. */
function altered(start: (command: ContainedCommand) => Promise<Contained>): Containment {
  return { ...real, start };
}

function repository(): string {
  const workspace = makeTemporaryDirectory("repository");
  execFileSync("git", ["init", "-q"], { cwd: workspace });
  return workspace;
}

describe("a start that fails", () => {
  // In a repository and with a verify script a run starts four things: git, the worker, git again, the script.
  it.each([
    [1, "succeeded", null, ["a"]],
    [2, "failed", "AC_WORKER_SPAWN", []],
    [3, "succeeded", null, null],
    [4, "failed", "AC_WORKER_SPAWN", ["a"]],
    [5, "succeeded", null, ["a"]],
  ] as const)("as number %i leaves a typed result: %s %s", async (failing, outcome, code, filesChanged) => {
    let starts = 0;
    const containment = altered((command) => {
      starts += 1;
      // Which of the first two comes first is not fixed; number 2 is to be the worker.
      const isGit = command.marker.endsWith(".before");
      const number = starts <= 2 ? (isGit ? 1 : 2) : starts;
      if (number !== failing) return real.start(command);
      return Promise.reject(new AgentCoreError("AC_WORKER_SPAWN", "spawn EAGAIN"));
    });
    const agent = createFakeAgent([write, say]);
    const { ended } = await driveToEnd({
      adapter: scriptedAdapter,
      program: agent.program,
      workspace: repository(),
      containment,
      task: { verify: "true" },
    });
    expect(workerResultSchema.parse(ended)).toMatchObject({ outcome, code, observations: { filesChanged } });
    expect(findSurvivors([agent.tag])).toEqual([]);
  });
});

describe("a container", () => {
  it("that could not be emptied is no success, whatever the worker says", async () => {
    const containment = altered(async (command) => {
      const contained = await real.start(command);
      return overlay(contained, { finish: async () => ({ ...(await contained.finish()), survivors: 2 }) });
    });
    const agent = createFakeAgent([write, say]);
    const { ended } = await driveToEnd({ adapter: scriptedAdapter, program: agent.program, containment });
    expect(ended).toMatchObject({ outcome: "failed", errorClass: "internal", code: "AC_UNCONTAINED" });
    expect(ended.summary).toBe("2 processes of the run could not be ended");
    expect(ended.containment?.survivors).toBe(2);
  });

  it("whose output never ends is given up once it is empty, with everything that was read", async () => {
    const containment = altered(async (command) => {
      const contained = await real.start(command);
      const open = new PassThrough();
      contained.stdout.pipe(open, { end: false });
      return overlay(contained, { stdout: open });
    });
    const agent = createFakeAgent([write, say]);
    const { ended } = await driveToEnd({
      adapter: scriptedAdapter,
      program: agent.program,
      containment,
      limits: { drainQuietMs: 50 },
    });
    expect(ended).toMatchObject({ outcome: "succeeded", summary: "done" });
  });

  it("that is stopped while its start is still going on lets nothing go", async () => {
    const starting = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const containment = altered(async (command) => {
      starting.resolve();
      await release.promise;
      return real.start(command);
    });
    const agent = createFakeAgent([write, say]);
    const driven = await drive({ adapter: scriptedAdapter, program: agent.program, containment });
    await starting.promise;
    driven.cancel();
    release.resolve();
    const ended = await driven.result;
    expect({ outcome: ended.outcome, left: ended.containment?.survivors ?? 0 }).toEqual({
      outcome: "cancelled",
      left: 0,
    });
    expect(findSurvivors([agent.tag])).toEqual([]);
    expect(agent.ledger()).toEqual([]);
  });
});

describe("a run with limits", () => {
  it("fails by the task where it writes too large a file, and so does a verify script", async () => {
    const workspace = makeTemporaryDirectory("workspace");
    const program = join(workspace, "worker");
    writeFileSync(program, "#!/bin/sh\nexec head -c 2000000 /dev/zero >large\n", { mode: 0o755 });
    const limited = { adapter: scriptedAdapter, runLimits: { fileBytes: 2 ** 20 } };
    const { ended } = await driveToEnd({ ...limited, program, workspace });
    expect(ended).toMatchObject({ outcome: "failed", errorClass: "task_failed", code: "AC_RUN_LIMIT" });
    expect(ended.summary).toBe("reached limits.run.file_size (1048576 bytes in one file): ended by SIGXFSZ");
    const verify = "head -c 2000000 /dev/zero >large";
    const verified = await driveToEnd({
      ...limited,
      program: createFakeAgent([write, say]).program,
      task: { verify },
    });
    expect(verified.ended).toMatchObject({ errorClass: "task_failed", code: "AC_VERIFY_FAILED" });
    expect(verified.ended.summary).toContain("reached limits.run.file_size");
  });

  it("fails by the task where the kernel has killed it for its memory", async () => {
    const killed = altered(async (command) =>
      overlay(await real.start(command), { limitsReached: () => ["memory"] }),
    );
    const agent = createFakeAgent([{ do: "die", signal: "SIGKILL" }]);
    const { ended } = await driveToEnd({
      adapter: scriptedAdapter,
      program: agent.program,
      containment: killed,
      runLimits: { memoryBytes: 2 ** 31 },
    });
    expect(ended).toMatchObject({ errorClass: "task_failed", code: "AC_RUN_LIMIT" });
    expect(ended.summary).toMatch(
      /^reached limits\.run\.memory \(2147483648 bytes; the kernel ended it\): ended by/,
    );
  });

  it("says which of them nothing here enforces", async () => {
    const agent = createFakeAgent([write, say]);
    const processes = { enforced: false, how: "nobody counts them" };
    const { ended, events } = await driveToEnd({
      adapter: scriptedAdapter,
      program: agent.program,
      containment: { ...real, limits: { ...real.limits, processes } },
      runLimits: { processes: 64 },
    });
    expect(ended.outcome).toBe("succeeded");
    const text = "limits.run.processes is not enforced here: nobody counts them";
    expect(events).toContainEqual({ type: "warning", text });
  });
});

/** The contained run with some members replaced; the others stay bound to it. */
function overlay(contained: Contained, members: Partial<Contained>): Contained {
  return new Proxy(contained, {
    get(target, name) {
      const value: unknown = Object.hasOwn(members, name)
        ? Reflect.get(members, name)
        : Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
