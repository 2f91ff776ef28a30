/** What happens around a running daemon: a full disk, and a run that somebody else works on. */
import { createSqliteTriggerStore, openStateDatabase } from "@agentcore/store-sqlite";
import { patienceMs, until } from "@agentcore/contract/testing";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  agentcore,
  canMount,
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Scratch,
} from "../testing/agentcore-process.ts";
import {
  deliver,
  linesIn,
  metricsOf,
  startDaemon,
  writeDaemonFile,
  writeFlow,
  type StartedDaemon,
} from "../testing/daemon-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const linesOf = (name: string): readonly string[] => linesIn(scratch, name);

const hook = `events:
  hook: { type: webhook, path: /hook, port: 0, secret: s3cret }
triggers:
  on-hook: { on: hook, workflow: flow.yaml, on_workflow_failure: retry, context: { last_result: true } }
`;
const waitingFlow =
  'echo "$AGENTCORE_EVENT_ID" >> begun; until test -e go; do sleep 0.05; done; echo done >> done';

/** Runs a command with the state directory on a separate small file system, which is full while a file exists. */
const onSmallDisk = `
state=$0 fill=$1; shift
mkdir -p "$state" && mount -t tmpfs -o size=24m,mode=700 none "$state"
(
  while kill -0 $$ 2>/dev/null; do
    until [ -e "$fill" ]; do kill -0 $$ 2>/dev/null || exit; sleep 0.05; done
    cat /dev/zero > "$state/filler" 2>/dev/null
    : > "$fill.done"
    while [ -e "$fill" ]; do kill -0 $$ 2>/dev/null || exit; sleep 0.05; done
    rm "$state/filler"
  done
) > /dev/null 2>&1 &
exec "$@"`;

async function startOnSmallDisk(): Promise<{
  daemon: StartedDaemon;
  fill: () => Promise<void>;
  free: () => void;
}> {
  const config = join(scratch.root, "config.yaml");
  // The disk is small from the beginning.
  writeFileSync(config, "backpressure: { disk_free: { defer: 1KiB, reject: 1KiB } }\n");
  const file = join(scratch.root, "fill");
  const prefix = ["unshare", "-rm", "bash", "-c", onSmallDisk, scratch.stateDir, file];
  const daemon = await startDaemon(scratch, ["--config", config, "--grace", "1s"], {}, prefix);
  return {
    daemon,
    fill: async () => {
      writeFileSync(file, "");
      await until(() => existsSync(`${file}.done`));
    },
    free: () => rmSync(file),
  };
}

it.runIf(canMount())(
  "on a full disk deliveries are refused and logged once, and with room again a run goes on and ends once",
  async () => {
    writeFlow(scratch, `cat .daemon-context/last-result.json >> results; ${waitingFlow}`);
    // The state directory is in a namespace of the daemon.
    writeDaemonFile(scratch, `${hook}server: { socket: ${join(scratch.root, "api.sock")} }\n`);
    const { daemon, fill, free } = await startOnSmallDisk();
    const port = daemon.ports["hook"]!;
    expect(await deliver(port, {}, { id: "1" })).toBe(202);
    await until(() => linesOf("begun").length === 1);
    await fill();
    for (const id of ["2", "3", "4"]) expect(await deliver(port, {}, { id })).toBe(503);
    expect(await metricsOf(daemon)).toMatch(/^agentcore_source_events\{source="hook",kind="not_kept"\} 3$/m);
    writeFileSync(join(scratch.workspace, "go"), "");
    await until(() => linesOf("done").length === 1);
    await daemon.saw("database or disk is full");
    free();
    await until(async () => (await deliver(port, {}, { id: "2" })) === 202);
    await until(() => linesOf("done").length === 2);
    await daemon.kill("SIGTERM");
    const { code, stderr } = await daemon.finished;
    expect(code).toBe(0);
    expect(linesOf("begun")).toHaveLength(2);
    expect(linesOf("results").join("")).toContain('"status": "SUCCEEDED"');
    const refused = jsonLinesOf(stderr, "log").filter(({ kind }) => kind === "not_kept");
    expect(refused).toHaveLength(1);
  },
  60_000,
);

it.runIf(canMount())(
  "one TERM ends the daemon soon after its grace period though nothing can be stored, and it says what is left",
  async () => {
    writeFlow(scratch, waitingFlow);
    writeDaemonFile(scratch, hook);
    const { daemon, fill } = await startOnSmallDisk();
    expect(await deliver(daemon.ports["hook"]!, {})).toBe(202);
    await until(() => linesOf("begun").length === 1);
    await fill();
    writeFileSync(join(scratch.workspace, "go"), "");
    await until(() => linesOf("done").length === 1);
    await daemon.saw("database or disk is full");
    const startMs = performance.now();
    await daemon.kill("SIGTERM");
    const { signal, stderr } = await daemon.finished;
    expect(signal).toBeNull();
    // The grace period of 1 s, and a few seconds.
    expect(performance.now() - startMs).toBeLessThan(patienceMs(12_000));
    const [left] = jsonLinesOf(stderr, "log").filter(({ msg }) => String(msg).startsWith("not all that"));
    expect(left).toMatchObject({ level: 50, runs: [expect.any(String)] });
    expect(left?.["msg"]).toContain("the store takes no write");
  },
  60_000,
);

it("a run that somebody resumes while no daemon is there is not run again by the next one, and its firing ends as it does", async () => {
  writeFlow(scratch, waitingFlow);
  writeDaemonFile(scratch, hook);
  const first = await startDaemon(scratch);
  expect(await deliver(first.ports["hook"]!, {})).toBe(202);
  await until(() => linesOf("begun").length === 1);
  await first.kill("SIGKILL");
  const state = ["--state-dir", scratch.stateDir];
  const [run] = jsonLinesOf((await agentcore(scratch, ["workflow", "list", "--json", ...state])).stdout);
  const resumed = startAgentcore(scratch, [
    "workflow",
    "resume",
    String(run?.["id"] ?? run?.["run"]),
    ...state,
  ]);
  await until(() => linesOf("begun").length === 2);
  const second = await startDaemon(scratch);
  await second.saw("a run cannot go on just now");
  writeFileSync(join(scratch.workspace, "go"), "");
  expect((await resumed.finished).code).toBe(0);
  const database = await openStateDatabase({ directory: scratch.stateDir });
  const store = createSqliteTriggerStore(database);
  const firing = async () => (await store.firings({ limit: 10 })).map(({ firing: { state: now } }) => now);
  await until(async () => (await firing()).every(({ kind }) => kind === "ended"));
  expect(await firing()).toMatchObject([{ kind: "ended", outcome: "SUCCEEDED", attempt: 1 }]);
  await database.close();
  await second.kill("SIGTERM");
  expect(linesOf("done")).toHaveLength(1);
});
