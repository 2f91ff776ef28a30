/** The examples of the guide, each run as its reader would. The one that needs real agents is only validated. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentcore, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

const folder = fileURLToPath(new URL("../../../../examples/workflows", import.meta.url));
const scratches: Scratch[] = [];
afterAll(() => Promise.all(scratches.map((scratch) => scratch.remove())));

/** What a run leaves in its context directory, by example. */
const left: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "hello.yaml": { "greet/greeting/hello.txt": "Hello from AgentCore\n" },
  "build-test-report.yaml": { "report/report/report.txt": "math: ok, greet: ok\n" },
  "todo-loop.yaml": { "work/list/todo.md": "- [x] one\n- [x] two\n- [x] three\n" },
  "failure-recovery.yaml": { "explain/explained/explained.txt": "lint failed:\nline 3 is too long\n" },
  "matrix.yaml": {
    "say[name=Ada,loud=false]/said/said-Ada-false.txt": "Hello, Ada (loud: false)\n",
    "say[name=Grace,loud=true]/said/said-Grace-true.txt": "Hello, Grace (loud: true)\n",
  },
  "matrix-ci.yaml": { "report/report/report.txt": 'tests passed: ["core","cli","docs"]\nlint: FAILED\n' },
  "eight-packages.yaml": { "check/packages/packages.txt": "a\nb\nc\nd\ne\nf\ng\nh\n" },
  "nested-exports.yaml": { "show/shown/shown.txt": "the report of today has 4 words\n" },
  "nested-exports-product.yaml": { "part/page/page.txt": "the page of today\n" },
  "nested-exports-part.yaml": { "write/page/page.txt": "the page of today\n" },
  "count-up.yaml": { "add/count/count.txt": "1\n" },
  "sub-workflow-loop.yaml": { "count/count/count.txt": "6\n" },
  "budgeted-fan-out.yaml": {
    "join/summary/summary.txt":
      "summary of containment\nsummary of contract\nsummary of core\nsummary of scheduler\n",
  },
};
const withAgents = ["implement-review-fix.yaml"];
/** `release-example.test.ts` answers its approval. */
const withApproval = ["release.yaml"];

const inRepository = ["eight-packages.yaml"];

let files: string[] = [];
beforeAll(() => {
  files = readdirSync(folder).filter((file) => file.endsWith(".yaml") && file !== "agents.yaml");
});

it("every example is run or validated here", () => {
  expect([...Object.keys(left), ...withAgents, ...withApproval].toSorted()).toEqual(files.toSorted());
});

it.each(Object.entries(left))("the example %s succeeds and leaves what it says", async (file, artifacts) => {
  const scratch = makeScratch();
  scratches.push(scratch);
  if (inRepository.includes(file)) beginRepository(scratch.workspace);
  const { code, stdout, stderr } = await agentcore(scratch, ["workflow", "run", join(folder, file)]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("Workflow: SUCCEEDED");
  const context = join(scratch.workspace, "context");
  const found = Object.keys(artifacts).map((path) => [path, readFileSync(join(context, path), "utf8")]);
  expect(Object.fromEntries(found)).toEqual(artifacts);
});

function beginRepository(directory: string): void {
  const as = ["-c", "user.name=a", "-c", "user.email=a@b"];
  execFileSync("git", ["init", "-qb", "work"], { cwd: directory });
  execFileSync("git", [...as, "commit", "-qm", "begin", "--allow-empty"], { cwd: directory });
}

it.each(withAgents)("the example %s, which needs real agents, is without mistakes", async (file) => {
  const scratch = makeScratch();
  scratches.push(scratch);
  const { code } = await agentcore(scratch, ["workflow", "validate", join(folder, file)]);
  expect(code).toBe(0);
});
