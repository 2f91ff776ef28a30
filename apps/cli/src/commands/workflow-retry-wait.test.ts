import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const delayMs = 4000;
const file = join(scratch.root, "waits.yaml");
writeFileSync(
  file,
  `name: waits
version: "1"
timeout: 2m
steps:
  flaky:
    worker: shell
    capabilities: [run_commands]
    retry: { max: 1, delay: ${delayMs}ms, backoff: fixed, on: [task_failed] }
    instructions: |
      date +%s%3N >> times
      test $(wc -l < times) = 2
`,
);

it("a run that is killed while a step waits for its next attempt is resumed to the rest of that wait", async () => {
  const started = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await started.saw('"status":"READY"');
  const events = jsonLinesOf(started.stdout());
  started.child.kill("SIGKILL");
  await started.finished;
  const run = String(events[0]?.["run"]);
  const waiting = events.find(({ step }) => typeof (step as { retryAt?: unknown })?.retryAt === "string");
  expect(waiting).toMatchObject({
    step: { attempts: 1, reason: expect.stringContaining("exited with code 1") },
  });

  const resumed = await agentcore(scratch, ["workflow", "resume", run, "--plain"]);
  expect(resumed.stdout).toMatch(/PASS +flaky/);
  const times = readFileSync(join(scratch.workspace, "times"), "utf8").trim().split("\n").map(Number);
  expect(times).toHaveLength(2);
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(delayMs);
});
