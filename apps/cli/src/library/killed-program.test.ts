/** A program that embeds the queue is killed with SIGKILL while jobs run; the next one opens the same state directory. */
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { until } from "@agentcore/contract/testing";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { jsonLinesOf, makeScratch, startAgentcore, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const library = new URL("../index.ts", import.meta.url).href;

/** Submits the jobs, or attaches to those that are there, and prints how each ends. */
const program = `
  import { createAgentCore } from ${JSON.stringify(library)};
  const [stateDir, how, jobs] = process.argv.slice(2);
  const core = await createAgentCore({ stateDir, config: { limits: { global: { concurrency: 2 } } } });
  const open = (job) => (how === "submit" ? core.submit(job) : core.scheduler.attach(job.id));
  const handles = [];
  for (const job of JSON.parse(jobs)) handles.push(await open(job));
  for (const handle of handles) {
    const { state, attempts, result } = await handle.result();
    console.log(JSON.stringify({ id: handle.id, state, attempts, code: result?.code ?? null }));
  }
  await core.close();
`;

/** Notes each start, and whether a process of an earlier attempt is there; leaves a process that has left its group. */
const script = `
  exec 9>lock
  flock -n 9 || echo overlap >> started
  echo start >> started
  setsid sleep 300 &
  while [ ! -e ../go ]; do sleep 0.05; done
  echo end >> ended
`;

const ids = ["once", "twice", "waits"] as const;

it("each job that ran is run again or dead, as its attempts allow; none runs twice, and no process is left", async () => {
  const workspaceOf = (id: string): string => join(scratch.workspace, id);
  const jobs = ids.map((id) => {
    mkdirSync(workspaceOf(id));
    const task = { worker: "shell", workspace: workspaceOf(id), instructions: script };
    const maxAttempts = id === "twice" ? 2 : 1;
    return { id, task: { ...task, capabilities: ["run_commands"] }, limits: { maxAttempts } };
  });
  const file = join(scratch.root, "program.mjs");
  writeFileSync(file, program);
  const start = (how: "submit" | "attach") =>
    startAgentcore(scratch, [scratch.stateDir, how, JSON.stringify(jobs)], {
      program: [process.execPath, "--conditions=@agentcore/source", file],
    });
  const written = (name: string) =>
    ids.map((id) => {
      const path = join(workspaceOf(id), name);
      return existsSync(path) ? readFileSync(path, "utf8") : "";
    });

  const first = start("submit");
  await Promise.race([
    until(() => written("started").filter(Boolean).length === 2),
    first.finished.then(({ stdout, stderr }) => Promise.reject(new Error(`ended: ${stdout}${stderr}`))),
  ]);
  first.child.kill("SIGKILL");
  expect(await first.finished).toMatchObject({ signal: "SIGKILL", stdout: "" });

  const next = start("attach");
  // From here on, a worker of the first program that still ran would write that it ended.
  await next.saw('"dead"');
  writeFileSync(join(scratch.workspace, "go"), "");
  const second = await next.finished;
  expect(second).toMatchObject({ code: 0, stderr: "" });
  expect(jsonLinesOf(second.stdout)).toEqual([
    { id: "once", state: "dead", attempts: 1, code: "AC_RUNTIME_LOST" },
    { id: "twice", state: "succeeded", attempts: 2, code: null },
    { id: "waits", state: "succeeded", attempts: 1, code: null },
  ]);
  expect(findSurvivors([scratch.root])).toEqual([]);
  expect(written("started")).toEqual(["start\n", "start\nstart\n", "start\n"]);
  expect(written("ended")).toEqual(["", "end\n", "end\n"]);
});
