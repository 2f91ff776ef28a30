import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shortId } from "../screen/short-id.ts";
import { afterAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const file = join(scratch.root, "pieces.yaml");
writeFileSync(
  file,
  `name: pieces
version: "1"
timeout: 1m
steps:
  loop:
    worker: shell
    capabilities: [run_commands]
    instructions: echo "$AGENTCORE_ITERATION" > n
    max_iterations: 2
    completion_check: { worker: shell, capabilities: [read], instructions: test $(cat n) = 2 }
  wait:
    worker: shell
    capabilities: [run_commands]
    depends_on: [loop]
    instructions: echo begun; echo begun >> began; test -e go || sleep 60
`,
);

it("the steps of a run stay out of the job views, and nothing but their run starts them", async () => {
  const run = (...args: string[]) => agentcore(scratch, args);
  const started = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await started.saw('"begun"');
  const id = String(jsonLinesOf(started.stdout().split("\n")[0] ?? "")[0]?.["run"]);
  started.child.kill("SIGKILL");
  await started.finished;

  // An "incomplete" of the check is a decision, and the run handles the lost step.
  expect((await run("work", "--drain")).code).toBe(0);
  expect((await run("dlq", "list")).stdout).toContain("No dead letters.");
  expect((await run("jobs", "list")).stdout).toContain("No jobs.");
  const all = (await run("jobs", "list", "--all")).stdout;
  expect(all).toMatch(new RegExp(`queued .*${shortId(id)} {2}wait, iteration 1`));
  expect(all).toMatch(new RegExp(`dead .*${shortId(id)} {2}loop, check, iteration 1`));
  const jobs = jsonLinesOf((await run("jobs", "list", "--all", "--json")).stdout);
  const jobOf = (kind: string): string => String(jobs.find(({ state }) => state === kind)?.["id"]);

  const why = (await run("why", jobOf("queued"))).stdout;
  expect(why).toContain(`agentcore workflow resume ${shortId(id)}`);
  expect(why).not.toContain("nothing blocks it");
  const refused = await run("dlq", "replay", jobOf("dead"));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`of workflow run ${id}; resume that run (AC_JOB_IN_RUN)`);
  const shown = (await run("jobs", "show", jobOf("dead"))).stdout;
  expect(shown).toContain("the step's timeout, or what was left of the run's");
  const labelled = await run("submit", "true", "-w", "shell", "--label", "workflow.run=x");
  expect(labelled.code).toBe(2);

  // With another definition the run cannot be resumed, but it can be ended, with the job that it left.
  const text = readFileSync(file, "utf8");
  writeFileSync(file, `${text}# changed\n`);
  expect((await run("workflow", "resume", id)).stderr).toContain("AC_WORKFLOW_CHANGED");
  expect((await run("workflow", "cancel", id)).stdout).toContain(`${shortId(id)}  cancelled; `);
  expect((await run("jobs", "list", "--all", "--state", "queued,running")).stdout).toContain("No jobs.");
  writeFileSync(file, text);
  writeFileSync(join(scratch.workspace, "go"), "");
  expect((await run("workflow", "retry", id)).code).toBe(0);
  expect(existsSync(join(scratch.workspace, "began"))).toBe(true);
});
