import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import { shortId } from "../screen/short-id.ts";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const file = join(scratch.root, "long.yaml");
writeFileSync(
  file,
  `name: long
version: "1"
timeout: 2m
steps:
  first: { worker: shell, capabilities: [run_commands], instructions: echo first >> first.log }
  long:
    worker: shell
    capabilities: [run_commands]
    depends_on: [first]
    instructions: |
      if test -e stubborn; then trap '' TERM INT; fi
      echo begun >> long.log
      test -e go || while :; do sleep 0.1; done
`,
);

const at = (name: string): string => join(scratch.workspace, name);
const lines = (name: string): number => readFileSync(at(name), "utf8").split("\n").filter(Boolean).length;

const stops: readonly (readonly NodeJS.Signals[])[] = [
  ["SIGINT"],
  ["SIGTERM"],
  ["SIGHUP"],
  ["SIGINT", "SIGINT"],
  ["SIGINT", "SIGINT", "SIGINT"],
];

it("a run that signals stopped, however many, is resumed; one that failed is retried; one that nobody works on is cancelled", async () => {
  let id = "";
  for (const [index, signals] of stops.entries()) {
    if (signals.length > 1) writeFileSync(at("stubborn"), "");
    const args = id === "" ? ["workflow", "run", file, "--json"] : ["workflow", "resume", id, "--json"];
    const started = startAgentcore(scratch, args);
    await started.saw('"status":"RUNNING"');
    await until(() => existsSync(at("long.log")) && lines("long.log") === index + 1);
    for (const signal of signals) {
      started.child.kill(signal);
      if (signals.length > 1) await sleep(100);
    }
    const { code, signal, stdout } = await started.finished;
    // Node drops its handlers in the last moment of a process. A shell reports an end by SIGINT as 130, too.
    expect({ signals, code: signal === "SIGINT" ? 130 : code }).toEqual({ signals, code: 130 });
    id ||= String(jsonLinesOf(stdout.split("\n")[0] ?? "")[0]?.["run"]);
    if (signals.length === 1) {
      const last = jsonLinesOf(stdout).at(-1);
      expect(last).toMatchObject({ outcome: "INTERRUPTED", reason: `stopped by ${signals[0]}` });
    }
  }
  const listed = jsonLinesOf((await agentcore(scratch, ["workflow", "list", "--json"])).stdout)[0];
  expect(listed).toMatchObject({ id, state: "INTERRUPTED", endedAt: null });
  rmSync(at("stubborn"));

  const cancelled = await agentcore(scratch, ["workflow", "cancel", id]);
  expect(cancelled.code).toBe(0);
  expect(cancelled.stdout).toContain("Workflow: CANCELLED");
  expect(cancelled.stdout).toContain(`  cancels run ${shortId(id)}\n`);
  expect((await agentcore(scratch, ["workflow", "cancel", id])).stderr).toContain(
    "has already ended (CANCELLED)",
  );
  const resumed = await agentcore(scratch, ["workflow", "resume", id]);
  expect(resumed.code).toBe(130);
  expect(resumed.stderr).toContain(
    `already ended (CANCELLED); to run the failed steps again: agentcore workflow retry ${shortId(id)}`,
  );

  writeFileSync(at("go"), "");
  const retried = await agentcore(scratch, ["workflow", "retry", id, "--json"]);
  expect(jsonLinesOf(retried.stdout).at(-1)).toMatchObject({ outcome: "SUCCEEDED" });
  expect([lines("first.log"), lines("long.log")]).toEqual([1, stops.length + 1]);
});

it("another process cancels a run that is worked on", async () => {
  rmSync(at("go"), { force: true });
  rmSync(at("long.log"), { force: true });
  const started = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await until(() => existsSync(at("long.log")));
  const id = String(jsonLinesOf(started.stdout().split("\n")[0] ?? "")[0]?.["run"]);
  expect((await agentcore(scratch, ["workflow", "cancel", id])).stdout).toContain("cancellation requested");
  const { code, stdout } = await started.finished;
  expect(code).toBe(130);
  expect(jsonLinesOf(stdout).at(-1)).toMatchObject({ outcome: "CANCELLED" });
});
