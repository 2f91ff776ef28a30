import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@agentcore/contract/testing";
import { afterAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const file = join(scratch.root, "two.yaml");
writeFileSync(
  file,
  `name: two
version: "1"
timeout: 5m
defaults: { worker: shell, capabilities: [run_commands] }
steps:
  one: { instructions: "echo first; until test -e go2; do sleep 0.05; done; echo third" }
  two: { instructions: "until test -e go1; do sleep 0.05; done; echo second; until test -e go3; do sleep 0.05; done" }
`,
);
const touch = (name: string): void => writeFileSync(join(scratch.workspace, name), "");

it("logs -f prints the lines of steps that run at the same time as they come, with their names", async () => {
  const run = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await until(() => run.stdout().includes("run_started"));
  const id = String(jsonLinesOf(run.stdout().split("\n")[0] ?? "")[0]?.["run"]);
  const logs = startAgentcore(scratch, ["workflow", "logs", id, "-f"]);
  await until(() => /^one \| +out +first$/m.test(logs.stdout()));
  touch("go1");
  await until(() => /^two \| +out +second$/m.test(logs.stdout()));
  touch("go2");
  await until(() => /^one \| +out +third$/m.test(logs.stdout()));
  touch("go3");
  expect(await logs.finished).toMatchObject({ code: 0, stderr: "" });
  expect((await run.finished).code).toBe(0);
  const after = await agentcore(scratch, ["workflow", "logs", id, "-f"]);
  expect(after.stdout.split("\n").filter((line) => line.startsWith("one | "))).toEqual([
    expect.stringMatching(/^one \| +out +first$/),
    expect.stringMatching(/^one \| +out +third$/),
  ]);
  expect((await agentcore(scratch, ["workflow", "logs", id])).stdout).toMatch(/^one, iteration 1 {2}job /m);
});
