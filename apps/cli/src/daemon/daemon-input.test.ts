/** What sources of a running daemon are given that they refuse: said once, counted, and the daemon goes on. */
import { until } from "@agentcore/contract/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { linesIn, metricsOf, startDaemon, writeDaemonFile, writeFlow } from "../testing/daemon-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const linesOf = (name: string): readonly string[] => linesIn(scratch, name);

it("a command source that prints more than 64 KiB has failed: no event, said once, counted", async () => {
  writeFlow(scratch, 'echo "$AGENTCORE_TRIGGER_ID" >> ran');
  writeDaemonFile(
    scratch,
    `events:
  long: { type: command, command: "echo . >> long; head -c 70000 /dev/zero", interval: 1s, trigger_on: always }
  bash: { type: command, command: "[[ ab == a* ]] && echo yes <<< no", interval: 1s, trigger_on: always }
triggers:
  on-long: { on: long, workflow: flow.yaml }
  on-bash: { on: bash, workflow: flow.yaml, max_runs: 1, filter: { exitCode: 0 } }
`,
  );
  const daemon = await startDaemon(scratch);
  await daemon.saw("printed more than 64 KiB; let it print less, such as a checksum of it");
  await until(() => linesOf("long").length >= 2 && linesOf("ran").length > 0);
  expect(await metricsOf(daemon)).toMatch(/^agentcore_source_events\{source="long",kind="command"\} [1-9]/m);
  await daemon.kill("SIGTERM");
  expect(linesOf("ran")).toEqual(["on-bash"]);
  expect((await daemon.finished).stderr.match(/printed more than 64 KiB/g)).toHaveLength(1);
});
