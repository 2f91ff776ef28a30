/** Reads and plans one workflow file in a process that has done nothing else, and prints what that took as JSON. */
import { readFile } from "node:fs/promises";
import { RunState, parseWorkflow, plan, stepInstances } from "@agentcore/workflow";

const file = process.argv[2] ?? "";
const rssBefore = process.memoryUsage.rss();
const cpuBefore = process.cpuUsage();
const startedMs = performance.now();
const parsed = await parseWorkflow({
  file,
  readFile: (path) => readFile(path, "utf8").catch(() => null),
});
if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
const parsedMs = performance.now();
const { workflow } = parsed;
const steps = stepInstances(workflow, {}).map((instance) => instance.plan);
const actions = plan({ state: new RunState(steps), now: 0, concurrency: workflow.concurrency });
const plannedMs = performance.now();
if (actions.length === 0) throw new Error("nothing to start");
const { user, system } = process.cpuUsage(cpuBefore);
const cpuMs = (user + system) / 1000;
const grownMib = (process.memoryUsage.rss() - rssBefore) / 2 ** 20;
console.log(JSON.stringify({ parseMs: parsedMs - startedMs, planMs: plannedMs - parsedMs, cpuMs, grownMib }));
