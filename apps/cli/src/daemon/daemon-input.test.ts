/** What a running daemon is given that it refuses or absorbs: said once for each cause, counted, and the daemon goes on. */
import { createClient } from "@agentcore/client";
import { until } from "@agentcore/contract/testing";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, type Scratch } from "../testing/agentcore-process.ts";
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

/** The value of a metric with these labels; 0 if it is not there. */
async function metric(daemon: StartedDaemon, name: string, labels: string): Promise<number> {
  const line = (await metricsOf(daemon)).split("\n").find((text) => text.startsWith(`${name}{${labels}} `));
  return Number(line?.split(" ").at(-1) ?? 0);
}
const ofSource = (daemon: StartedDaemon, source: string, kind: string): Promise<number> =>
  metric(daemon, "agentcore_source_events", `source="${source}",kind="${kind}"`);

const localClient = ({ socket }: StartedDaemon) => createClient({ url: `unix://${socket}` });

const hook = `events:
  hook: { type: webhook, path: /hook, port: 0, secret: s3cret }
triggers:
  on-hook: { on: hook, workflow: flow.yaml, filter: { body.go: yes } }
`;

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
  expect(await ofSource(daemon, "long", "command")).toBeGreaterThan(0);
  await daemon.kill("SIGTERM");
  expect(linesOf("ran")).toEqual(["on-bash"]);
  expect((await daemon.finished).stderr.match(/printed more than 64 KiB/g)).toHaveLength(1);
});

const token = "a-token-that-only-this-test-knows";

/** A body without an end, in chunks. Resolves with the status line once the connection is closed. */
async function sendEndless(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  let received = "";
  socket.on("data", (text: string) => (received += text)).on("error", () => {});
  const signed = `x-hub-signature-256: sha256=${"0".repeat(64)}`;
  socket.write(`POST /hook HTTP/1.1\r\nhost: x\r\n${signed}\r\ntransfer-encoding: chunked\r\n\r\n`);
  const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
  for (let sent = 0; sent < 1600 && !socket.destroyed; sent += 1)
    if (!socket.write(chunk)) await until(() => !socket.writableNeedDrain || socket.destroyed);
  await until(() => socket.destroyed);
  return received.split("\r\n")[0] ?? "";
}

async function garbage(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1")
    .on("error", () => {})
    .resume();
  socket.end("\u0000\u001B[2J nonsense\r\n\r\n");
  await until(() => socket.destroyed);
}

it("hostile deliveries and requests are refused, each cause is said once and counted, and the daemon goes on", async () => {
  writeFlow(scratch, "echo ran >> ran");
  writeDaemonFile(scratch, `${hook}server: { http: { port: 0 }, token: ${token} }\n`);
  const daemon = await startDaemon(scratch);
  const port = daemon.ports["hook"]!;
  const url = `http://127.0.0.1:${port}`;
  const wrong = { headers: { authorization: `Bearer ${"wrong".repeat(8)}` } };
  for (let time = 0; time < 5; time += 1) {
    expect(await deliver(port, {}, { secret: "guess" })).toBe(401);
    expect(await deliver(port, {}, { path: "/other" })).toBe(404);
    expect((await fetch(`${url}/hook`)).status).toBe(405);
    expect((await fetch(`${url}/hook`, { method: "POST", body: "{}" })).status).toBe(401);
    expect(await deliver(port, { time: 0 }, { id: "again" })).toBe(time === 0 ? 202 : 200);
    await garbage(port);
    expect((await fetch(`${daemon.url}/v1/jobs`)).status).toBe(401);
    expect((await fetch(`${daemon.url}/v1/jobs`, wrong)).status).toBe(401);
  }
  expect(await sendEndless(port)).toContain("413");
  expect(await localClient(daemon).health()).toMatchObject({ ok: true });
  expect(await deliver(port, { go: "yes" })).toBe(202);
  await until(() => linesOf("ran").length === 1);
  const counts = {
    bad_signature: 5,
    no_signature: 5,
    duplicate: 4,
    too_large: 1,
    accepted: 2,
  };
  for (const [kind, count] of Object.entries(counts))
    expect([kind, await ofSource(daemon, "hook", kind)]).toEqual([kind, count]);
  for (const kind of ["unknown_path", "wrong_method", "malformed"])
    expect([kind, await ofSource(daemon, "", kind)]).toEqual([kind, 5]);
  expect(await metric(daemon, "agentcore_api_refused", 'code="AC_API_UNAUTHORIZED"')).toBe(10);
  await daemon.kill("SIGTERM");
  const { code, stderr } = await daemon.finished;
  expect(code).toBe(0);
  const warnings = jsonLinesOf(stderr, "log").filter(({ level }) => level === 40);
  const said = warnings.map(({ kind, code: refused }) => String(kind ?? refused)).toSorted();
  expect(said).toEqual(
    [
      ...Object.keys(counts).slice(0, 2),
      "too_large",
      "unknown_path",
      "wrong_method",
      "malformed",
      "AC_API_UNAUTHORIZED",
    ].toSorted(),
  );
});

it("1,000 deliveries of 32 senders are each kept or refused with 503, and the daemon answers meanwhile", async () => {
  writeFlow(scratch, "echo ran >> ran");
  writeDaemonFile(scratch, hook);
  const daemon = await startDaemon(scratch);
  const port = daemon.ports["hook"]!;
  const answers = new Map<number, number>();
  let next = 0;
  const sender = async (): Promise<void> => {
    for (let number = (next += 1); number <= 1000; number = next += 1) {
      const status = await deliver(port, { number }, { id: String(number) });
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
  };
  let healthy = 0;
  const senders = Promise.all(Array.from({ length: 32 }, sender)).then(() => "sent" as const);
  while ((await Promise.race([senders, localClient(daemon).health()])) !== "sent") healthy += 1;
  expect(healthy).toBeGreaterThan(0);
  const kept = answers.get(202) ?? 0;
  expect(kept + (answers.get(503) ?? 0)).toBe(1000);
  expect(await ofSource(daemon, "hook", "accepted")).toBe(kept);
  expect(await deliver(port, { go: "yes" }, { id: "last" })).toBe(202);
  await until(() => linesOf("ran").length === 1);
  await daemon.kill("SIGTERM");
  const warnings = jsonLinesOf((await daemon.finished).stderr, "log").filter(({ level }) => level !== 30);
  expect(warnings.length).toBeLessThanOrEqual(1);
});

it("a client that follows events and never reads is dropped and counted, and the others read on", async () => {
  writeFlow(scratch, "true");
  writeDaemonFile(scratch, hook);
  const daemon = await startDaemon(scratch);
  const client = localClient(daemon);
  const asleep = connect(daemon.socket).on("error", () => {});
  asleep.write("GET /v1/events?topic=output HTTP/1.1\r\nhost: localhost\r\n\r\n");
  asleep.pause();
  await until(async () => (await metricsOf(daemon)).includes("\nagentcore_api_stream_clients 1\n"));
  const line = "x".repeat(1000);
  const print = `for i in $(seq 12000); do echo ${line}; done`;
  const { id } = await client.submitJob({
    task: {
      worker: "shell",
      workspace: scratch.workspace,
      instructions: print,
      capabilities: ["run_commands"],
    },
  });
  expect(await client.waitForJob(id)).toMatchObject({ state: "succeeded" });
  await until(async () => (await metricsOf(daemon)).includes("\nagentcore_api_stream_dropped 1\n"));
  expect(await client.health()).toMatchObject({ ok: true });
  asleep.destroy();
  await daemon.kill("SIGTERM");
  expect((await daemon.finished).stderr.match(/a client that follows events was dropped/g)).toHaveLength(1);
});

it("a watched directory that vanishes is watched again when it is back", async () => {
  const watched = join(scratch.workspace, "in");
  mkdirSync(watched);
  writeFlow(scratch, "cat .daemon-context/event.json >> seen");
  writeDaemonFile(
    scratch,
    `events:
  files: { type: fswatch, paths: ["in/**"], events: [create] }
triggers:
  on-files: { on: files, workflow: flow.yaml, context: { event_payload: true } }
`,
  );
  const daemon = await startDaemon(scratch);
  const appears = async (name: string): Promise<void> => {
    writeFileSync(join(watched, name), "");
    await until(() => linesOf("seen").join("").includes(name));
  };
  await appears("first");
  rmSync(watched, { recursive: true });
  await until(() => !existsSync(watched));
  mkdirSync(watched);
  await appears("second");
  await daemon.kill("SIGTERM");
  expect((await daemon.finished).code).toBe(0);
});

it("a port in use ends a start with the reason, and refuses a reload, after which the old webhooks serve on", async () => {
  writeFlow(scratch, "echo ran >> ran");
  const [other, own] = [await listening(), await listening()];
  const taken = portOf(other);
  writeDaemonFile(scratch, hook.replace("port: 0", `port: ${taken}`));
  const refused = await agentcore(scratch, ["daemon", "run", "daemon.yaml"]);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(
    `127.0.0.1:${taken} for the webhooks "hook": another process uses the port`,
  );
  const port = portOf(own);
  await new Promise((resolve) => own.close(resolve));
  const file = hook.replace("port: 0", `port: ${port}`);
  writeDaemonFile(scratch, file);
  const daemon = await startDaemon(scratch);
  const more = `  more: { type: webhook, path: /more, port: ${taken} }\n`;
  writeDaemonFile(scratch, file.replace("triggers:", `${more}triggers:`));
  daemon.child.kill("SIGHUP");
  await daemon.saw("the daemon file was refused, and the one before stays");
  expect(await deliver(port, { go: "yes" })).toBe(202);
  await until(() => linesOf("ran").length === 1);
  other.close();
  await daemon.kill("SIGTERM");
  expect((await daemon.finished).code).toBe(0);
});

async function listening(): Promise<Server> {
  const server = createServer().listen(0, "127.0.0.1");
  await until(() => server.listening);
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
