import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const file = join(scratch.root, "ci.yaml");
writeFileSync(
  file,
  `name: ci
version: "1"
timeout: 1h
concurrency: 2
budget: { cost_usd: 5 }
inputs: { deploy: { type: boolean, default: false } }
defaults: { worker: shell, capabilities: [run_commands] }
steps:
  build: { instructions: touch built, matrix: { os: [linux, mac] }, retry: { max: 2 } }
  review: { worker: codex, depends_on: [build], instructions: x, timeout: 10m }
  deploy: { depends_on: [review], instructions: ./deploy.sh, if: inputs.deploy }
`,
);

it("a dry run shows the expanded plan as a table and as JSON, and starts nothing", async () => {
  const args = ["workflow", "run", file, "--dry-run"];
  const { code, stdout } = await agentcore(scratch, args);
  expect(code).toBe(0);
  expect(stdout.split("\n").map((line) => line.trimEnd())).toEqual([
    "ci  at most 1h, 2 at once, up to $5.00",
    "ROUND  STEP             WORKER  AFTER   DETAILS",
    "1      build[os=linux]  shell           2 retries",
    "1      build[os=mac]    shell           2 retries",
    "2      review           codex   build   at most 10m; up to $5.00",
    "skip   deploy           shell   review  condition not met: inputs.deploy (inputs.deploy is false)",
    "",
    "Nothing was started. Steps with the same number may start together.",
    "",
  ]);
  const json = await agentcore(scratch, [...args, "--json", "--input", "deploy=true"]);
  const [plan, ...more] = jsonLinesOf(json.stdout);
  expect(more).toEqual([]);
  expect(plan).toMatchObject({
    v: 1,
    type: "dry_run",
    inputs: { deploy: true },
    steps: [{ id: "build[os=linux]", round: 1 }, {}, { budget: { costUsd: 5 } }, { id: "deploy", round: 3 }],
  });
  expect(existsSync(join(scratch.workspace, "built"))).toBe(false);
  expect(existsSync(join(scratch.workspace, "context"))).toBe(false);
  const wrong = await agentcore(scratch, [...args, "--input", "deplo=true"]);
  expect(wrong.code).toBe(2);
});

it("a dry run shows approvals, finally, the concurrency group and the notifications", async () => {
  const release = join(scratch.root, "release.yaml");
  writeFileSync(
    release,
    `name: release
version: "1"
timeout: 1h
concurrency_group: "deploy-\${{ inputs.to }}"
inputs: { to: { default: prod } }
notify: [{ on: [failed, approval], command: ./mail.sh }]
defaults: { worker: shell, capabilities: [run_commands] }
steps:
  build: { instructions: make }
  ok: { depends_on: [build], approval: { message: Ship it?, who: [ann], timeout: 2d } }
  ship: { depends_on: [ok], instructions: ./ship.sh }
finally:
  clean: { instructions: ./clean.sh, if: failure() }
`,
  );
  const { stdout } = await agentcore(scratch, ["workflow", "run", release, "--dry-run"]);
  expect(stdout.split("\n").map((line) => line.trimEnd().replaceAll(/ {2,}/g, "  "))).toEqual([
    "release  at most 1h, one run of the group deploy-prod at a time, notifies on failed, approval",
    "ROUND  STEP  WORKER  AFTER  DETAILS",
    "1  build  shell",
    "2  ok  approval  build  Ship it?; asks ann; waits at most 2d",
    "3  ship  shell  ok",
    "4  clean  shell  finally; if failure(); at most 5m",
    "",
    "Nothing was started. Steps with the same number may start together.",
    "",
  ]);
});
