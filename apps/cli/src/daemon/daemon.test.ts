/** The daemon as a process: real events, a real runtime, kills and restarts. */
import { createClient } from "@agentcore/client";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { until } from "@agentcore/contract/testing";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { agentcore, makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { deliver, linesIn, startDaemon, writeDaemonFile, writeFlow } from "../testing/daemon-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const linesOf = (name: string): readonly string[] => linesIn(scratch, name);

const hook = `events:
  hook: { type: webhook, path: /hook, port: 0, secret: s3cret }
triggers:
  on-hook:
    on: hook
    workflow: flow.yaml
    context: { event_payload: true, env: { COLOR: red } }
`;

it("a signed delivery starts one run, and its content never becomes a command", async () => {
  writeFlow(
    scratch,
    'cat .daemon-context/event.json > seen; echo "$AGENTCORE_TRIGGER_ID $COLOR $AGENTCORE_CHAIN" >> ran',
  );
  writeDaemonFile(
    scratch,
    `log_dir: logs\n${hook}    evaluate: { worker: shell, capabilities: [RUN_COMMANDS], instructions: 'echo "{{event.body.text}}" >> said; test {{event.body.go}} = yes' }\n`,
  );
  const daemon = await startDaemon(scratch);
  const text = "`touch pwned` $(touch pwned) \"; touch pwned; '; touch pwned #\n{{event}}";
  const port = daemon.ports["hook"]!;
  expect(await deliver(port, { text, go: "yes" }, { secret: "wrong" })).toBe(401);
  expect(await deliver(port, { text, go: "yes" }, { id: "1" })).toBe(202);
  expect(await deliver(port, { text, go: "yes" }, { id: "1" })).toBe(200);
  await until(() => linesOf("ran").length === 1);
  expect(await deliver(port, { text, go: "yes; touch pwned" }, { id: "2" })).toBe(202);
  expect(linesOf("ran")[0]).toMatch(/^on-hook red test\/on-hook\/\S+$/);
  expect(readFileSync(join(scratch.workspace, "said"), "utf8")).toContain(text);
  expect(JSON.parse(readFileSync(join(scratch.workspace, "seen"), "utf8"))).toMatchObject({
    type: "webhook",
    body: { text },
  });
  await daemon.kill("SIGTERM");
  const { code, stderr } = await daemon.finished;
  expect(code).toBe(0);
  expect(stderr).toMatch(/daemon\.yaml:5:1: log_dir: has no effect: .* \(a warning\)/);
  expect(linesOf("ran")).toHaveLength(1);
  expect(readdirSync(scratch.workspace)).not.toContain("pwned");
  expect(findSurvivors([scratch.root])).toEqual([]);
});

it("a run that kill -9 of the daemon interrupted goes on in the next one, and what was accepted runs once", async () => {
  writeFlow(scratch, "echo begun >> begun; until test -e go; do sleep 0.05; done; echo done >> done");
  writeDaemonFile(scratch, hook);
  const first = await startDaemon(scratch);
  for (const id of ["1", "2"]) expect(await deliver(first.ports["hook"]!, {}, { id })).toBe(202);
  await until(() => linesOf("begun").length === 1);
  await first.kill("SIGKILL");
  const second = await startDaemon(scratch);
  expect(await deliver(second.ports["hook"]!, {}, { id: "2" })).toBe(200);
  writeFileSync(join(scratch.workspace, "go"), "");
  await until(() => linesOf("done").length === 2);
  await second.kill("SIGTERM");
  const { stdout } = await agentcore(scratch, [
    "workflow",
    "list",
    "--state-dir",
    scratch.stateDir,
    "--json",
  ]);
  const runs = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { state: string });
  expect(runs.map(({ state }) => state)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
});

it("an analysis that kill -9 of the daemon cut off is done by the next one, and its firing ends with it", async () => {
  writeFlow(scratch, "true");
  const analysis =
    'echo "{{workflow_status}} {{event.body.n}}" >> begun; until test -e go; do sleep 0.05; done; echo done >> done';
  writeDaemonFile(
    scratch,
    `${hook}    analyze: { worker: shell, capabilities: [RUN_COMMANDS], instructions: ${JSON.stringify(analysis)} }\n`,
  );
  const first = await startDaemon(scratch);
  expect(await deliver(first.ports["hook"]!, { n: 7 })).toBe(202);
  await until(() => linesOf("begun").length === 1);
  await first.kill("SIGKILL");
  const second = await startDaemon(scratch);
  const client = createClient({ url: `unix://${second.socket}` });
  const states = async () => (await client.listTriggerFirings("on-hook")).items.map(({ state }) => state);
  expect(await states()).toEqual(["analyzing"]);
  await until(() => linesOf("begun").length === 2);
  writeFileSync(join(scratch.workspace, "go"), "");
  await until(async () => (await states()).join() === "ended");
  await second.kill("SIGTERM");
  expect(linesOf("begun")).toEqual(["SUCCEEDED 7", "SUCCEEDED 7"]);
  expect(linesOf("done")).toHaveLength(1);
});

it("runs that SIGTERM finds end within the grace period, or are interrupted and go on with the next daemon", async () => {
  writeFlow(scratch, "echo begun >> begun; until test -e go; do sleep 0.05; done; echo done >> done");
  writeDaemonFile(scratch, hook);
  const first = await startDaemon(scratch, ["--grace", "100ms"]);
  expect(await deliver(first.ports["hook"]!, {})).toBe(202);
  await until(() => linesOf("begun").length === 1);
  await first.kill("SIGTERM");
  expect((await first.finished).code).toBe(0);
  expect(findSurvivors([scratch.workspace])).toEqual([]);
  writeFileSync(join(scratch.workspace, "go"), "");
  const second = await startDaemon(scratch);
  await until(() => linesOf("done").length === 1);
  await second.kill("SIGTERM");
});

/** What `doctor` says of the daemon. */
async function doctorOnDaemon(): Promise<unknown> {
  const { stdout } = await agentcore(scratch, ["doctor", "--json", "--state-dir", scratch.stateDir]);
  const { checks } = JSON.parse(stdout) as { checks: { id: string; detail: string }[] };
  return checks.find(({ id }) => id === "daemon")?.detail;
}

it("a second daemon on the state directory is refused with exit code 2, and says who has it, as doctor does", async () => {
  writeFlow(scratch, "true");
  writeDaemonFile(scratch, hook);
  const daemon = await startDaemon(scratch);
  const { code, stderr } = await agentcore(scratch, ["daemon", "run", "daemon.yaml"]);
  expect(code).toBe(2);
  expect(stderr).toContain(`process ${daemon.child.pid}`);
  expect(statSync(join(scratch.stateDir, "daemon.json")).mode & 0o077).toBe(0);
  const file = join(scratch.workspace, "daemon.yaml");
  expect(await doctorOnDaemon()).toContain(`process ${daemon.child.pid} runs test (${file}) since `);
  await daemon.kill("SIGKILL");
  expect(await doctorOnDaemon()).toBe("none runs on this state directory");
});

it("SIGHUP reads the file again, and one with mistakes, or with a change that needs a restart, changes nothing", async () => {
  writeFlow(scratch, "echo one >> ran");
  writeFlow(scratch, "echo two >> ran", "other.yaml");
  const file = writeDaemonFile(scratch, hook);
  const daemon = await startDaemon(scratch);
  const port = daemon.ports["hook"]!;
  writeFileSync(file, readFileSync(file, "utf8").replace("on: hook", "on: hok"));
  daemon.child.kill("SIGHUP");
  await daemon.saw("the daemon file was refused");
  writeFileSync(
    file,
    readFileSync(file, "utf8").replace("on: hok", "on: hook").replace("name: test", "name: other"),
  );
  daemon.child.kill("SIGHUP");
  await daemon.saw("restart the daemon to change name");
  expect(await deliver(port, { n: 1 })).toBe(202);
  await until(() => linesOf("ran").length === 1);
  writeDaemonFile(scratch, hook.replace("flow.yaml", "other.yaml"));
  daemon.child.kill("SIGHUP");
  await daemon.saw("the daemon file was read again");
  expect(await deliver(port, { n: 2 })).toBe(202);
  await until(() => linesOf("ran").length === 2);
  expect(linesOf("ran")).toEqual(["one", "two"]);
  await daemon.kill("SIGTERM");
});

it("a daemon that is shutting down reads no file again, and takes no more events", async () => {
  writeFlow(scratch, "echo begun >> begun; until test -e go; do sleep 0.05; done; echo done >> done");
  writeDaemonFile(scratch, hook);
  const daemon = await startDaemon(scratch);
  const port = daemon.ports["hook"]!;
  expect(await deliver(port, {}, { id: "1" })).toBe(202);
  await until(() => linesOf("begun").length === 1);
  daemon.child.kill("SIGTERM");
  await until(async () => (await deliver(port, {}, { id: "2" })) === 0);
  daemon.child.kill("SIGHUP");
  await daemon.saw("the daemon file was refused, and the one before stays: the daemon is shutting down");
  writeFileSync(join(scratch.workspace, "go"), "");
  expect((await daemon.finished).code).toBe(0);
  expect(linesOf("done")).toHaveLength(1);
});

it("runs the jobs that others submit to its state directory, and schedules", async () => {
  writeFlow(scratch, "echo tick >> ticks");
  writeDaemonFile(
    scratch,
    "events: { tick: { type: interval, every: 1s } }\ntriggers: { on-tick: { on: tick, workflow: flow.yaml } }\n",
  );
  const daemon = await startDaemon(scratch);
  const submitted = await agentcore(scratch, [
    "submit",
    "echo submitted > submitted",
    "--worker=shell",
    "--capabilities=run_commands",
    `--workspace=${scratch.workspace}`,
    `--state-dir=${scratch.stateDir}`,
  ]);
  expect(submitted.code).toBe(0);
  await until(() => linesOf("submitted").length === 1 && linesOf("ticks").length > 1);
  await daemon.kill("SIGTERM");
});
