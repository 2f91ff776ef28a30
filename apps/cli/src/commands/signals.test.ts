/** Signals as terminals, service managers and wrappers send them: to a process group, to every process, several times. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import {
  agentcore,
  agentcoreCommand,
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Scratch,
} from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const repository = fileURLToPath(new URL("../../../..", import.meta.url));

/** Ends only when it is asked to, and reports that it was. */
const worker = "trap 'echo told; touch told; exit 3' TERM; touch started; while :; do sleep 0.05; done";

const untilExists = (name: string) => until(() => existsSync(join(scratch.workspace, name)));

/** The process and all its descendants. */
function treeOf(root: number): number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid): [number, number][] => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        return [[Number(pid), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])]];
      } catch {
        return [];
      }
    });
  const tree = [root];
  for (const pid of tree)
    tree.push(...parents.filter(([, parent]) => parent === pid).map(([child]) => child));
  return tree;
}

function signalTree(pid: number, signal: NodeJS.Signals): void {
  for (const each of treeOf(pid)) {
    try {
      process.kill(each, signal);
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ESRCH");
    }
  }
}

async function stateOfJob(): Promise<unknown> {
  const { stdout } = await agentcore(scratch, ["jobs", "list", "--json", ...state()]);
  return jsonLinesOf(stdout)[0];
}

const state = (): string[] => ["--state-dir", scratch.stateDir];

describe("`work`", () => {
  const kinds = [
    ["SIGTERM", "group"],
    ["SIGHUP", "group"],
    ["SIGTERM", "tree"],
  ] as const;
  it.each(kinds)("ends once after %s to its %s, with the attempt's true result", async (signal, whom) => {
    await agentcore(scratch, ["submit", worker, "-w", "shell", "--max-attempts", "3", ...state()]);
    const started = startAgentcore(scratch, ["work", ...state()], { detached: true });
    await untilExists("started");
    const pid = started.child.pid ?? 0;
    if (whom === "group") process.kill(-pid, signal);
    else signalTree(pid, signal);
    const { code, stderr, stdout } = await started.finished;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "agentcore: stopping what runs\n" });
    const stopped = /stopping {2}the scheduler is shutting down[^]*cancelled {2}after/;
    // A worker that got the signal itself may have ended before anything could be stopped.
    expect(stdout).toMatch(whom === "group" ? stopped : /(cancelled|failed) {2}after/);
    if (whom === "group") expect(existsSync(join(scratch.workspace, "told"))).toBe(true);
    expect(await stateOfJob()).toMatchObject({ state: "queued" });
  });
});

describe("`run`", () => {
  it.each(["SIGTERM", "SIGHUP"] as const)("is cancelled once by %s to every process", async (signal) => {
    const started = startAgentcore(scratch, ["run", worker, "-w", "shell", ...state()]);
    await untilExists("started");
    signalTree(started.child.pid ?? 0, signal);
    expect((await started.finished).code).toBe(130);
    expect(await stateOfJob()).toMatchObject({ state: "cancelled" });
  });

  it("is cancelled once by `timeout`, which signals its program twice", async () => {
    const started = startAgentcore(scratch, ["run", worker, "-w", "shell", ...state()], {
      prefix: ["timeout", "600"],
    });
    await untilExists("started");
    // `timeout` passes this on as at the end of its time: to its program, and then to the whole group.
    started.child.kill("SIGTERM");
    const { stdout } = await started.finished;
    expect(stdout.match(/stopped by SIGTERM|killed by/g)).toEqual([
      "stopped by SIGTERM",
      "stopped by SIGTERM",
    ]);
    expect(stdout).toContain("told");
  });
});

it("the npm script passes SIGTERM on: the shell is replaced, and the script signals its program", async () => {
  const manifest = readFileSync(join(repository, "package.json"), "utf8");
  expect(manifest).toMatch(/"agentcore": "exec node scripts\/run.mjs agentcore"/);
  const script = `import { run } from "${repository}scripts/process.mjs";
    process.exitCode = await run(process.execPath, process.argv.slice(2), { cwd: process.cwd() });`;
  const program = [process.execPath, "--input-type=module", "-e", script, ...agentcoreCommand];
  const started = startAgentcore(scratch, ["run", worker, "-w", "shell", ...state()], { program });
  await untilExists("started");
  started.child.kill("SIGTERM");
  const { code, stdout } = await started.finished;
  expect({ code, told: stdout.includes("told") }).toEqual({ code: 130, told: true });
});
