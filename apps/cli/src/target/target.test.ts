/** Every verb about jobs and workflow runs on the state directory of a daemon, and through its API: both print the same. */
import { until } from "@agentcore/contract/testing";
import { existsSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { jsonLinesOf, makeScratch } from "../testing/agentcore-process.ts";
import { startDaemon, writeDaemonFile, writeFlow, type StartedDaemon } from "../testing/daemon-process.ts";
import { commandsInProcess } from "../testing/in-process.ts";

const scratch = makeScratch();
const run = commandsInProcess(scratch);
afterAll(() => scratch.remove());

let daemon: StartedDaemon;
let operate = "";
let read = "";
let url = "";
const shell = ["--worker", "shell", "--capabilities", "run_commands"];

/** With what names the state directory, or the daemon. */
const here = (...args: string[]) => run([...args, "--state-dir", scratch.stateDir]);
const there = (...args: string[]) => run([...args, "--url", url], { AGENTCORE_TOKEN: operate });

/** Without ages, which go on between two calls, and the width of their columns. */
const ageless = (text: string): string =>
  text.replaceAll(/\b\d+(?:\.\d+)?(?:ms|s|m\d+s|m)\b/g, "AGE").replaceAll(/ +/g, " ");

/** What both print. */
async function same(...args: string[]) {
  const [local, remote] = [await here(...args), await there(...args)];
  expect({ ...remote, stdout: ageless(remote.stdout) }).toEqual({ ...local, stdout: ageless(local.stdout) });
  return local;
}

/** A port that is free, so that a daemon which starts again has the same address. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function submit(script: string, ...more: string[]): Promise<string> {
  const { stdout } = await there("submit", script, ...shell, "--workspace", scratch.workspace, ...more);
  return stdout.trim();
}

beforeAll(async () => {
  writeFileSync(join(scratch.workspace, "agentcore.yaml"), "limits: { global: { cost_usd: { day: 5 } } }\n");
  writeFlow(scratch, "echo from the flow");
  writeFileSync(
    join(scratch.workspace, "asks.yaml"),
    'name: asks\nversion: "1"\ntimeout: 5m\nsteps:\n  ok: { approval: { message: "Go on?" } }\n',
  );
  url = `http://127.0.0.1:${await freePort()}`;
  writeDaemonFile(
    scratch,
    `events: { q: { type: queue, topic: q } }\ntriggers: { t: { on: q, workflow: flow.yaml } }\nserver: { http: { port: ${new URL(url).port} } }\n`,
  );
  daemon = await startDaemon(scratch);
  operate = (await here("token", "create", "all", "--scope", "operate")).stdout.trim();
  read = (await here("token", "create", "look")).stdout.trim();
});

describe("jobs", () => {
  let failed: string;
  let delayed: string;
  beforeAll(async () => {
    failed = await submit("printf 'a\\377b\\n'; echo err >&2; exit 7", "--label", "a=1", "--key", "k");
    delayed = await submit("echo later", "--delay", "1h");
  });

  it("are waited for, with the exit code of the run", async () => {
    const { code, stdout } = await there("jobs", "wait", failed, "--json");
    expect(code).toBe(1);
    expect(jsonLinesOf(stdout)).toMatchObject([{ type: "result", outcome: "failed", attempts: 1 }]);
    expect((await same("jobs", "wait", failed)).stdout).toContain("failed");
    const late = await there("jobs", "wait", delayed, "--timeout", "1s");
    expect(late).toMatchObject({ code: 4, stderr: expect.stringContaining("the job continues") });
  });

  it.each([
    ["jobs list", (): string[] => ["jobs", "list"]],
    [
      "jobs list --where",
      (): string[] => ["jobs", "list", "--where", "label.a=1", "--state", "dead", "--all"],
    ],
    ["jobs list --limit", (): string[] => ["jobs", "list", "--limit", "1"]],
    ["jobs list --before", (): string[] => ["jobs", "list", "--before", delayed.slice(-8)]],
    ["jobs show", (): string[] => ["jobs", "show", failed]],
    ["jobs show of a short id", (): string[] => ["jobs", "show", failed.slice(-8)]],
    ["jobs show @last", (): string[] => ["jobs", "show", "--last"]],
    ["jobs show of none", (): string[] => ["jobs", "show", "nosuchjob"]],
    ["why", (): string[] => ["why", failed]],
    ["why of a job that waits", (): string[] => ["why", delayed]],
    ["jobs logs", (): string[] => ["jobs", "logs", failed]],
    ["jobs logs --attempt", (): string[] => ["jobs", "logs", failed, "--attempt", "2"]],
    ["jobs cancel of an ended job", (): string[] => ["jobs", "cancel", failed]],
    ["dlq list", (): string[] => ["dlq", "list", "--where", "code=AC_WORKER_EXIT"]],
    ["dlq show", (): string[] => ["dlq", "show", failed]],
    ["dlq replay of one that is alive", (): string[] => ["dlq", "replay", delayed]],
    ["jobs list by text", (): string[] => ["jobs", "list", "--where", "text=LATER"]],
    ["dlq purge of nothing", (): string[] => ["dlq", "purge", "--where", "worker=none"]],
    ["budget", (): string[] => ["budget"]],
  ])("%s prints the same for both, as text and as JSON", async (_what, args) => {
    expect((await same(...args())).code).not.toBe(6);
    expect((await same(...args(), "--json")).stdout).not.toBe("");
  });

  it("that meet no condition are not listed, replayed or purged, whatever the condition", async () => {
    const conditions = [
      "workspace=/none",
      "text=none",
      "worker=none",
      "tenant=none",
      "key=none",
      "label.a=none",
    ];
    for (const condition of [...conditions, "code=AC_INTERNAL", "error_class=network", "ended_before=1h"]) {
      const where = ["--where", condition];
      const listed = [];
      for (const list of ["jobs", "dlq"]) listed.push((await there(list, "list", ...where, "--json")).stdout);
      const replayed = (await there("dlq", "replay", ...where, "--json")).stdout;
      const purged = (await there("dlq", "purge", ...where)).stdout;
      const nothing = { condition, listed: ["", ""], replayed: "", purged: "0 deleted\n" };
      expect({ condition, listed, replayed, purged }).toEqual(nothing);
    }
    expect((await there("dlq", "list")).stdout).toContain(failed.slice(-8));
  });

  it("have their bytes with --raw, and -f ends with the job", async () => {
    expect(await same("jobs", "logs", failed, "--raw")).toMatchObject({ code: 0, stderr: "err\n" });
    expect(await same("jobs", "logs", failed, "-f")).toMatchObject({ code: 0 });
  });

  it("are made due, cancelled, replayed and purged", async () => {
    expect((await there("jobs", "run-now", delayed)).stdout).toMatch(/^\S+ {2}(?:due|running|succeeded)\n$/);
    const long = await submit("sleep 300");
    await until(async () => (await here("jobs", "show", long)).stdout.includes("  running"));
    expect((await there("jobs", "cancel", long)).stdout).toContain("cancellation requested");
    expect((await there("jobs", "wait", long)).code).toBe(130);
    const edit = ["--set", "limits.maxAttempts=2", "--set", "task.instructions=true"];
    expect((await there("dlq", "replay", failed, ...edit)).stdout).toMatch(/ {2}replayed as \S+\n$/);
    const again = await same("dlq", "replay", failed);
    expect(again.stdout).toContain("(it was already replayed)");
    const [, replayed = ""] = /replayed as (\S+)/.exec(again.stdout) ?? [];
    expect((await there("jobs", "show", replayed, "--json")).stdout).toContain('"maxAttempts":2');
    expect((await there("jobs", "wait", replayed)).code).toBe(0);
    const ids = [await submit("exit 1"), await submit("exit 2")];
    for (const id of ids) await there("jobs", "wait", id);
    expect((await there("dlq", "replay", "--all")).stdout.split("\n").length).toBe(3);
    expect((await there("dlq", "purge", "--all")).stdout).toMatch(/^\d+ deleted\n$/);
    expect((await there("jobs", "show", failed)).code).toBe(2);
  });

  it("come many at a time from a file, and a wrong one is named", async () => {
    const line = (script: string): string =>
      JSON.stringify({ task: { worker: "shell", workspace: scratch.workspace, instructions: script } });
    writeFileSync(join(scratch.workspace, "jobs.jsonl"), `${line("true")}\n${line("true")}\n`);
    expect((await there("submit", "--file", "jobs.jsonl")).stdout.trim().split("\n").length).toBe(2);
    writeFileSync(
      join(scratch.workspace, "bad.jsonl"),
      `${line("true")}\n${line("true").replace("shell", "nix")}\n`,
    );
    const bad = await there("submit", "--file", "bad.jsonl");
    expect(bad).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining('no worker "nix"') });
  });

  it("are followed through a restart of the daemon", async () => {
    const id = await submit(
      "echo begun; until test -e go; do sleep 0.05; done; echo done",
      "--max-attempts",
      "2",
    );
    await until(async () => (await here("jobs", "logs", id)).stdout.includes("begun"));
    const fetched = vi.spyOn(globalThis, "fetch");
    const asked = (path: string): boolean =>
      fetched.mock.calls.some(([to]) => typeof to === "string" && to.includes(`${id}/${path}`));
    const waiting = there("jobs", "wait", id);
    const following = there("jobs", "logs", id, "-f");
    await until(() => asked("wait") && asked("logs"));
    fetched.mockRestore();
    await daemon.kill("SIGKILL");
    writeFileSync(join(scratch.workspace, "go"), "");
    daemon = await startDaemon(scratch);
    const [waited, followed] = await Promise.all([waiting, following]);
    expect(waited.code).toBe(0);
    expect(followed).toMatchObject({ code: 0, stdout: expect.stringContaining("done") });
    for (const { stderr } of [waited, followed])
      expect(stderr).toMatch(/does not answer; asking again.*\n.*answers again\n$/);
  });
});

describe("workflow runs", () => {
  const flow = join(scratch.workspace, "flow.yaml");
  const inWorkspace = ["--workspace", scratch.workspace];

  it("are started, followed to their end and shown", async () => {
    const ended = await there("workflow", "run", flow, ...inWorkspace, "--plain");
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^flow {2}run \S+\n/);
    expect(ended.stdout).toMatch(/Workflow: SUCCEEDED/);
    const lines = jsonLinesOf((await there("workflow", "run", flow, ...inWorkspace, "--json")).stdout);
    expect(lines.at(0)).toMatchObject({ type: "run_started", name: "flow", steps: ["a"] });
    expect(lines.at(-1)).toMatchObject({ type: "result", outcome: "SUCCEEDED", steps: [{ id: "a" }] });
    for (const args of [
      ["workflow", "list"],
      ["workflow", "show", "--last"],
      ["workflow", "logs", "--last"],
      ["workflow", "logs", "-f", "--last", "a"],
      ["workflow", "logs", "--last", "b"],
      ["workflow", "show", "nosuchrun"],
      ["workflow", "cancel", "--last"],
      ["jobs", "list", "--run", "@last"],
    ]) {
      await same(...args);
      await same(...args, "--json");
    }
    expect((await there("workflow", "logs", "--last")).stdout).toContain("from the flow");
    const retried = await there("workflow", "retry", "--last", "--from", "a");
    expect(retried.stdout).toMatch(/Workflow: SUCCEEDED/);
  });

  it("are answered, rejected and cancelled", async () => {
    const asks = join(scratch.workspace, "asks.yaml");
    const waits = async (): Promise<boolean> =>
      (await here("workflow", "show", "--last")).stdout.includes("waits for an approval");
    const approved = there("workflow", "run", asks, ...inWorkspace);
    await until(waits);
    expect((await there("workflow", "approve", "--last", "-m", "fine")).stdout).toMatch(/ok approved by /);
    expect((await approved).code).toBe(0);
    const rejected = there("workflow", "run", asks, ...inWorkspace);
    await until(waits);
    expect((await there("workflow", "reject", "--last", "--json")).stdout).toContain('"decision":"rejected"');
    expect((await rejected).code).toBe(1);
    const cancelled = there("workflow", "run", asks, ...inWorkspace);
    await until(waits);
    expect((await there("workflow", "cancel", "--last")).stdout).toMatch(/^\S+ {2}cancell/);
    expect((await cancelled).code).toBe(130);
  });

  it("take no option that the daemon cannot follow, and no picture", async () => {
    for (const option of ["--dry-run", "--allow-protected-branch", "--no-cache", "--verbose"]) {
      const { code, stderr } = await there("workflow", "run", flow, ...inWorkspace, option);
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(option) });
    }
    const picture = await there("workflow", "show", "--last", "--html", "x.html");
    expect(picture).toMatchObject({ code: 2, stderr: expect.stringContaining("on the daemon's machine") });
    expect(existsSync(join(scratch.workspace, "x.html"))).toBe(false);
  });
});

describe("a daemon that is asked", () => {
  it("refuses without a token, and changes with one that may only read; both say the cure", async () => {
    const missing = await run(["jobs", "list", "--url", url]);
    expect(missing).toMatchObject({ code: 3, stderr: expect.stringContaining("AC_API_UNAUTHORIZED") });
    expect(missing.stderr).toContain("AGENTCORE_TOKEN");
    const env = { AGENTCORE_URL: url, AGENTCORE_TOKEN: read };
    expect((await run(["jobs", "list"], env)).code).toBe(0);
    for (const args of [
      ["submit", "true", ...shell, "--workspace", scratch.workspace],
      ["jobs", "cancel", "@last"],
      ["workflow", "cancel", "@last"],
      ["dlq", "purge", "--all"],
      ["workflow", "run", "/flow.yaml", "--workspace", "/"],
    ]) {
      const refused = await run(args, env);
      expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("--scope operate") });
    }
  });

  it("that is not there is named, with an exit code that says to try later", async () => {
    const gone = await run(["jobs", "wait", "@last", "--url", "http://127.0.0.1:9"]);
    expect(gone).toMatchObject({ code: 6, stderr: expect.stringContaining("http://127.0.0.1:9") });
  });

  it("and never answers, as one that is stopped, is waited for no longer than --timeout", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const silent = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const sockets = new Set<Socket>();
    server.on("connection", (socket) => sockets.add(socket));
    const waited = await run(["jobs", "wait", "j1", "--timeout", "50ms", "--url", silent]);
    expect(waited).toMatchObject({ code: 4, stderr: expect.stringContaining("no answer about job j1") });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it("gets absolute paths, unless it is reached through a socket of this machine", async () => {
    const relative = await there("submit", "true", ...shell);
    expect(relative).toMatchObject({ code: 2, stderr: expect.stringContaining("on the daemon's machine") });
    expect((await there("workflow", "run", "flow.yaml", "--workspace", "/")).code).toBe(2);
    const socket = await run(["submit", "true", ...shell, "--url", `unix://${daemon.socket}`]);
    expect(socket).toMatchObject({ code: 0, stderr: "" });
  });

  it("is not asked by commands of this machine: they refuse --url and ignore the variable", async () => {
    for (const args of [
      ["work"],
      ["backup", "x"],
      ["doctor"],
      ["run", "true"],
      ["token", "list"],
      ["schema"],
    ]) {
      const refused = await run([...args, "--url", url]);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("takes no --url") });
      expect(refused.stderr.trim().split("\n").length).toBe(2);
    }
    const env = { AGENTCORE_URL: "http://127.0.0.1:9" };
    expect((await run(["completion", "bash"], env)).code).toBe(0);
    expect((await run(["--version"], env)).code).toBe(0);
    expect(await run(["jobs", "list", "--state-dir", scratch.stateDir], env)).toMatchObject({ code: 0 });
    const both = await run(["jobs", "list", "--state-dir", "x", "--url", url]);
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining("not both") });
  });
});
