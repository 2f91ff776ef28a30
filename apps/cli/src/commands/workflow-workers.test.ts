/** What a workflow asks of its workers is checked before anything runs, with the real adapters. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, makeScratch } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

function workflowFile(name: string, ...steps: string[]): string {
  const path = join(scratch.root, name);
  const text = steps.map((step) => `  ${step}\n`).join("");
  writeFileSync(path, `name: w\nversion: "1"\ntimeout: 1m\nsteps:\n${text}`);
  return path;
}

const base = "instructions: x, capabilities: [read]";

it("settings that a worker does not have are warnings, each with its place", async () => {
  const file = workflowFile(
    "vain.yaml",
    `claude: { worker: claude-code, ${base}, variant: high, max_steps: 9, max_command_time: 1m }`,
    `codex: { worker: codex, ${base}, variant: high, max_steps: 9, max_command_time: 1m }`,
    `opencode: { worker: opencode, ${base}, variant: high, max_steps: 9, max_command_time: 1m }`,
    `shell: { worker: shell, ${base}, variant: high, max_steps: 9, max_command_time: 1m }`,
  );
  const { code, stdout, stderr } = await agentcore(scratch, ["workflow", "validate", file]);
  expect(code).toBe(0);
  expect(stdout).toContain("valid: 4 steps");
  const told = stderr
    .trim()
    .split("\n")
    .map((line) => line.replace(/^.*?:(\d+):\d+: /, "$1 "));
  expect(told).toEqual([
    '6 steps.codex.max_steps: "max_steps" has no effect: codex has no such setting (a warning)',
    '6 steps.codex.max_command_time: "max_command_time" has no effect: codex has no such setting (a warning)',
    '8 steps.shell.variant: "variant" has no effect: shell has no such setting (a warning)',
    '8 steps.shell.max_steps: "max_steps" has no effect: shell has no such setting (a warning)',
  ]);
  const json = await agentcore(scratch, ["workflow", "validate", file, "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, problems: [], warnings: { length: 4 } });
});

it("defaultArgs that would lift a limit are mistakes, each with its place", async () => {
  const file = workflowFile(
    "args.yaml",
    `a: { worker: claude-code, ${base}, defaultArgs: [--dangerously-skip-permissions] }`,
    `b: { worker: CODEX_CLI, ${base}, defaultArgs: [-c, sandbox_mode=danger-full-access] }`,
    `c: { worker: opencode, ${base}, defaultArgs: [--variant, --auto] }`,
    `d: { worker: opencode, ${base}, defaultArgs: [--variant, high] }`,
  );
  const { code, stderr } = await agentcore(scratch, ["workflow", "validate", file]);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /args.yaml:5:\d+: steps.a.defaultArgs: .*--dangerously-skip-permissions for claude-code/,
  );
  expect(stderr).toMatch(/args.yaml:6:\d+: steps.b.defaultArgs: .*sandbox_mode for codex/);
  expect(stderr).toMatch(/args.yaml:7:\d+: steps.c.defaultArgs: .*--variant --auto for opencode/);
  expect(stderr).toContain("3 mistakes");
});
