/** `trigger`, `emit` and `token` against an API that is served on a socket. */
import { serveTestApi, type TestApi } from "@agentcore/api/testing";
import { createSqliteTokenStore, openStateDatabase } from "@agentcore/store-sqlite";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommandLine } from "../command-line/program.ts";
import { publishDaemon, takeDaemonPlace, withdrawDaemon } from "../daemon/daemon-place.ts";
import { createOutput } from "../output.ts";
import { makeScratch } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
let api: TestApi;
beforeAll(async () => {
  api = await serveTestApi();
  mkdirSync(scratch.stateDir, { mode: 0o700 });
});
afterAll(async () => {
  await api.close();
  await scratch.remove();
});

interface Call {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** In this process: starting one for each call takes longer than all of this. */
async function run(args: readonly string[], { env = {}, input = "" }: Call = {}) {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const code = await runCommandLine(args, {
    stdin,
    stdout: createOutput(stdout),
    stderr: createOutput(stderr),
    env: { HOME: scratch.root, XDG_STATE_HOME: join(scratch.root, "xdg"), ...env },
    cwd: scratch.workspace,
  });
  return { code, stdout: String(stdout.read() ?? ""), stderr: String(stderr.read() ?? "") };
}

const here = (): readonly string[] => ["--url", `unix://${api.socket}`];
const lastEvent = async () => (await api.triggerStore.events({ limit: 1 }))[0]?.event;

it("finds the daemon of the state directory while it holds its place, and says which directory has none", async () => {
  const args = ["trigger", "list", "--state-dir", scratch.stateDir];
  const none = `agentcore: no daemon runs on ${scratch.stateDir}; name the state directory of one with --state-dir, or its --url, or start one with agentcored FILE\n`;
  expect(await run(args)).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining(none) });
  const place = await takeDaemonPlace(scratch.stateDir);
  const record = { pid: process.pid, name: "test", file: "/daemon.yaml", startedAt: "2026-01-01T00:00:00Z" };
  publishDaemon(scratch.stateDir, { ...record, socket: api.socket });
  // An option says more than the environment.
  const env = { AGENTCORE_URL: "http://127.0.0.1:9" };
  expect(await run(args, { env })).toMatchObject({ code: 0, stderr: "" });
  // A daemon that was killed leaves its record.
  place.release();
  expect(await run(args)).toMatchObject({ code: 6, stderr: expect.stringContaining(none) });
  withdrawDaemon(scratch.stateDir);
  expect((await run([...args, ...here()])).stderr).toContain("give --url or --state-dir, not both");
});

it("sends the token of the environment with a URL, and exits with 3 if it may not", async () => {
  const env = { AGENTCORE_URL: api.url };
  expect(await run(["trigger", "list"], { env })).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("AC_API_UNAUTHORIZED"),
  });
  const asReader = { env: { ...env, AGENTCORE_TOKEN: api.read } };
  expect((await run(["trigger", "list"], asReader)).code).toBe(0);
  expect(await run(["trigger", "pause", "nightly"], asReader)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("AC_API_FORBIDDEN"),
  });
  const asOperator = { env: { ...env, AGENTCORE_TOKEN: api.operate } };
  expect((await run(["trigger", "pause", "nightly", "--note", "disk full"], asOperator)).code).toBe(0);
  expect((await run(["trigger", "list"], asOperator)).stdout).toMatch(/nightly +paused .* ago: disk full/);
  expect((await run(["trigger", "resume", "nightly"], asOperator)).stdout).toBe("nightly  active\n");
});

it("an event carries the chain of the run that sends it, and a key is taken once", async () => {
  const env = { AGENTCORE_CHAIN: "other/nightly/run%201" };
  const { code, stdout } = await run(["emit", "work", '{"n": 1}', "--key", "k1", ...here()], { env });
  const event = await lastEvent();
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${event?.id}\n` });
  expect(event).toMatchObject({
    payload: { n: 1 },
    key: "k1",
    chain: [{ daemon: "other", trigger: "nightly", run: "run 1" }],
  });
  const again = await run(["emit", "work", "{}", "--key", "k1", ...here()]);
  expect(again).toEqual({ code: 0, stdout: "", stderr: "agentcore: 1 event was accepted before\n" });
  expect((await run(["emit", "work", "-", ...here()], { input: "[2]" })).code).toBe(0);
  expect(await lastEvent()).toMatchObject({ payload: [2], chain: [] });
});

it("what is wrong with an event is said before it is sent, with exit code 2", async () => {
  const wrong = async (args: readonly string[], call?: Call) => {
    const { code, stderr } = await run([...args, ...here()], call);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await wrong(["emit", "work", "{n: 1}"])).toContain('"{n: 1}" is not JSON');
  expect(await wrong(["emit", "work", "{}"], { env: { AGENTCORE_CHAIN: "a/b" } })).toContain(
    "AGENTCORE_CHAIN is not a chain of runs",
  );
  const input = `"${"x".repeat(1024 * 1024)}"`;
  expect(await wrong(["emit", "work", "-"], { input })).toContain("stdin has more than 1048576 bytes");
  expect(await wrong(["emit", "none", "{}"])).toContain("AC_TOPIC_UNKNOWN");
  expect(await wrong(["trigger", "fire", "none"])).toContain("AC_TRIGGER_NOT_FOUND");
  expect(await wrong(["trigger", "replay", "abcdef"])).toContain('there is no event "abcdef"');
  expect(await wrong(["trigger", "backfill", "nightly", "--from", "1d", "--to", "2d"])).toContain(
    "--from is not before --to",
  );
});

it("a token's text is printed once, and only its hash is kept", async () => {
  const at = ["--state-dir", scratch.stateDir];
  const created = await run(["token", "create", "ci", "--scope", "operate", "--expires", "30d", ...at]);
  expect(created.stdout).toMatch(/^agc_[\w-]{43}\n$/);
  const text = created.stdout.trim();
  expect(created.stderr).toMatch(/^agentcore: token \w{8} has the scope operate and expires in 30d/);
  expect(created.stderr).toContain(`it is for the daemon on ${scratch.stateDir}, where none runs now\n`);
  const listed = await run(["token", "list", ...at]);
  expect(listed.stdout).toMatch(/operate .* in (?:30d|29d\S*) +ci/);
  const database = await openStateDatabase({ directory: scratch.stateDir });
  const [stored] = await createSqliteTokenStore(database).list();
  await database.close();
  expect(stored?.hash).toBe(createHash("sha256").update(text).digest("hex"));
  const files = readdirSync(scratch.stateDir, { withFileTypes: true }).filter((each) => each.isFile());
  for (const { name } of files)
    expect(readFileSync(join(scratch.stateDir, name), "latin1")).not.toContain(text.slice(4));
  const short = stored?.id.slice(-8) ?? "";
  expect((await run(["token", "revoke", short, ...at])).stdout).toBe(`${short}  revoked\n`);
  expect(await run(["token", "revoke", short, ...at])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("AC_TOKEN_NOT_FOUND"),
  });
  expect((await run(["token", "list", ...at])).stdout).toBe("No tokens.\n");
});
