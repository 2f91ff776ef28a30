/** Every verb on a PostgreSQL database that two state directories share, as processes. */
import { until } from "@agentcore/contract/testing";
import { testDatabase, type TestDatabase } from "@agentcore/store-postgres/testing";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  agentcore,
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Finished,
  type StartOptions,
} from "../testing/agentcore-process.ts";
import { linesIn, startDaemon, writeDaemonFile, writeFlow } from "../testing/daemon-process.ts";

const scratch = makeScratch();
let database: TestDatabase;
let password: string;
/** The URL without its password, which `PGPASSWORD` then has. */
let bare: string;
beforeAll(async () => {
  database = await testDatabase();
  const url = new URL(database.url);
  password = url.password;
  url.password = "";
  bare = url.href;
});
afterAll(async () => {
  await scratch.remove();
  await database.remove();
});

/** All that any of the processes printed. */
let printed = "";
const directoryOf = (host: "a" | "b"): string => join(scratch.root, `state-${host}`);

/** On `a` by the URL with its password; on `b` by `PGPASSWORD`. */
const storeOf = (host: "a" | "b"): Readonly<Record<string, string>> =>
  host === "a" ? { AGENTCORE_STORE: database.url } : { AGENTCORE_STORE: bare, PGPASSWORD: password };

const start = (host: "a" | "b", args: readonly string[], options: StartOptions = {}) =>
  startAgentcore(scratch, [...args, "--state-dir", directoryOf(host)], {
    ...options,
    env: { ...storeOf(host), ...options.env },
  });

async function on(host: "a" | "b", ...args: string[]): Promise<Finished> {
  const finished = await start(host, args).finished;
  printed += finished.stdout + finished.stderr;
  return finished;
}

async function submit(script: string, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await on("a", "submit", script, "--worker", "shell", ...options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

const json = async (host: "a" | "b", ...args: string[]) =>
  jsonLinesOf((await on(host, ...args, "--json")).stdout);

it("jobs that one host submits are run by another, shown, waited for, cancelled, buried and replayed on both", async () => {
  const id = await submit("echo done > done.txt; echo $((6 * 7))", "--label", "team=core");
  expect(existsSync(join(directoryOf("a"), "state.db"))).toBe(false);
  const cancelled = await submit("true", "--max-cost", "1");
  expect((await on("b", "jobs", "cancel", cancelled)).code).toBe(0);
  const dead = await submit("exit 3");
  expect((await on("b", "why", id)).stdout).toContain("queued");
  const waiting = start("a", ["jobs", "wait", id]);
  const worked = await on("b", "work", "--drain", "--json");
  expect(worked.code).toBe(0);
  expect((await waiting.finished).code).toBe(0);
  expect(readFileSync(join(scratch.workspace, "done.txt"), "utf8")).toBe("done\n");
  expect(await json("a", "jobs", "list")).toMatchObject([
    { id: dead, state: "dead" },
    { id: cancelled, state: "cancelled" },
    { id, state: "succeeded", labels: { team: "core" } },
  ]);
  expect(await json("a", "jobs", "show", id)).toMatchObject([
    { id, attempt: 1, attempts: [{ outcome: "succeeded" }] },
  ]);
  expect((await on("b", "jobs", "logs", id)).stdout).toContain("42");
  expect(await json("a", "dlq", "list")).toMatchObject([{ id: dead }]);
  expect((await on("a", "dlq", "replay", dead)).code).toBe(0);
  expect((await on("b", "work", "--drain")).code).toBe(0);
  expect(await json("b", "dlq", "list")).toHaveLength(1);
  expect((await on("b", "dlq", "purge", "--all")).code).toBe(0);
  expect(await json("a", "dlq", "list")).toEqual([]);
  expect(await json("a", "budget")).toContainEqual(expect.objectContaining({ type: "call_spend" }));
  const ran = await on("a", "run", "echo ran > ran.txt", "--worker", "shell", "--json");
  expect(ran.code).toBe(0);
  expect(await json("b", "jobs", "list", "--state", "succeeded")).toHaveLength(2);
});

it("a job of a worker that a host lacks waits for another host, and the host runs what it can", async () => {
  const args = ["submit", "x", "--worker", "codex", "--json"];
  const id = String((await json("a", ...args))[0]?.["id"]);
  const able = await submit("true");
  const host = start("a", ["work"], { env: { PATH: "/usr/bin:/bin" } });
  expect((await on("a", "jobs", "wait", able)).code).toBe(0);
  await until(async () => /codex is not on PATH/.test((await on("b", "why", id)).stdout));
  expect(await json("b", "jobs", "show", id)).toMatchObject([{ state: "queued", attempt: 0, attempts: [] }]);
  expect(await json("b", "hosts")).toMatchObject([{ workers: ["shell"] }]);
  host.child.kill("SIGTERM");
  await host.finished;
  expect((await on("b", "jobs", "cancel", id)).code).toBe(0);
});

it("a workflow run that was killed on one host is resumed on it, and shown on the other", async () => {
  writeFlow(scratch, "echo begun; test -e go || sleep 60");
  const started = start("a", ["workflow", "run", "flow.yaml", "--json"]);
  await started.saw('"begun"');
  const run = String(jsonLinesOf(started.stdout().split("\n")[0] ?? "")[0]?.["run"]);
  started.child.kill("SIGKILL");
  await started.finished;
  writeFileSync(join(scratch.workspace, "go"), "");
  const resumed = await on("a", "workflow", "resume", run);
  expect(resumed.code).toBe(0);
  expect(await json("b", "workflow", "list")).toMatchObject([{ id: run, state: "SUCCEEDED" }]);
});

it("a daemon runs what triggers start and what others submit; nothing but our processes ever has the password", async () => {
  writeFlow(scratch, "echo begun >> begun; until test -e end; do sleep 0.05; done");
  writeFileSync(
    join(scratch.root, "daemon-config.yaml"),
    "workers: { shell: { env_pass: [AGENTCORE_STORE, PGPASSWORD, PLAIN] } }\n",
  );
  const body = `store: ${bare}
events: { orders: { type: queue, topic: orders } }
triggers: { on-order: { on: orders, workflow: flow.yaml } }
server: { http: { port: 0 } }
`;
  writeDaemonFile(scratch, body);
  const env = { PGPASSWORD: password, PLAIN: "plain" };
  const daemon = await startDaemon(scratch, ["--config", join(scratch.root, "daemon-config.yaml")], env);
  let log = "";
  daemon.child.stderr?.on("data", (text: string) => (log += text));
  const here = ["--state-dir", scratch.stateDir];
  expect(await agentcore(scratch, ["emit", "orders", "{}", ...here])).toMatchObject({ code: 0, stderr: "" });
  await until(() => linesIn(scratch, "begun").length === 1);
  const id = await submit("env > env.txt; until test -e end; do sleep 0.05; done");
  await until(() => existsSync(join(scratch.workspace, "env.txt")));
  expectHolders(password, { argv: 0, others: 0 });
  writeFileSync(join(scratch.workspace, "end"), "");
  expect((await on("a", "jobs", "wait", id)).code).toBe(0);
  const given = readFileSync(join(scratch.workspace, "env.txt"), "utf8");
  expect(given).toContain("PLAIN=plain");
  expect(given).not.toMatch(/AGENTCORE_STORE|PGPASSWORD/);

  const created = await on("a", "token", "create", "ci", "--scope", "operate");
  expect(created.stderr).toContain(`it is for every daemon on ${bare}\n`);
  const remote = { AGENTCORE_URL: daemon.url ?? "", AGENTCORE_TOKEN: created.stdout.trim() };
  const there = await agentcore(scratch, ["jobs", "show", id, "--json"], { env: remote });
  expect(jsonLinesOf(there.stdout)).toMatchObject([{ id, state: "succeeded" }]);
  await until(async () => (await json("a", "workflow", "list"))[0]?.["state"] === "SUCCEEDED");
  const other = makeScratch();
  writeFlow(other, "true");
  writeDaemonFile(other, body);
  await expect(startDaemon(other, [], env)).rejects.toThrow(
    new RegExp(
      `ended with 2 .*process ${daemon.child.pid} on .* is the daemon of ${bare}; run .agentcore work`,
      "s",
    ),
  );
  await other.remove();
  await daemon.kill("SIGTERM");
  printed += daemon.stdout() + log + there.stdout;

  // Without the store, the state directory of the daemon is not taken for one with a queue of its own.
  const lost = await agentcore(scratch, ["submit", "true", "--worker", "shell", ...here]);
  expect(lost).toMatchObject({ code: 2, stderr: expect.stringContaining(`are in ${bare}`) });
});

it("a job of a host that was killed runs again on another one, once the lease of the first has run out", async () => {
  const job = ["submit", "test -e again || sleep 600", "--worker", "shell", "--max-attempts", "2", "--json"];
  const killed = start("b", ["work"], { detached: true });
  const id = String((await json("a", ...job))[0]?.["id"]);
  await until(async () => (await json("a", "jobs", "show", id))[0]?.["state"] === "running");
  expect((await on("a", "jobs", "logs", id)).stderr).toContain("AC_ATTEMPT_ELSEWHERE");
  process.kill(-killed.child.pid!, "SIGKILL");
  await killed.finished;
  writeFileSync(join(scratch.workspace, "again"), "");
  expect((await on("a", "work", "--drain")).code).toBe(0);
  expect(await json("a", "jobs", "show", id)).toMatchObject([
    { state: "succeeded", attempts: [{ outcome: "lost" }, { outcome: "succeeded" }] },
  ]);
});

it("`doctor` looks at the database, `backup` leaves it to pg_dump, and no file or output has the password", async () => {
  const { checks } = JSON.parse((await on("b", "doctor", "--json")).stdout) as { checks: { id: string }[] };
  expect(checks.find(({ id }) => id === "store")).toMatchObject({
    detail: expect.stringMatching(/PostgreSQL \d+.*tables of version 1.*round trip/),
  });
  const copied = await on("a", "backup", "copy");
  expect(copied).toMatchObject({ code: 2, stderr: expect.stringContaining("pg_dump") });
  expect(printed).toContain(new URL(bare).host);
  expect(printed).not.toContain(password);
  const files = readdirSync(scratch.root, { recursive: true, withFileTypes: true });
  const telling = files
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path, "latin1").includes(password));
  expect(telling).toEqual([]);
});

it("what is wrong with the store is one clear error that names the place, and never the password", async () => {
  const wrong: readonly [(url: URL) => unknown, number, RegExp][] = [
    [(url) => (url.password = "wr0ng"), 2, /AC_STORE_REFUSED/],
    [(url) => (url.pathname = "/none"), 2, /database "none" does not exist/],
    [(url) => (url.port = "1"), 6, /ECONNREFUSED.*start PostgreSQL/s],
    [(url) => (url.href = url.href.replace("postgres:", "http:")), 2, /AGENTCORE_STORE is not the URL/],
  ];
  const answers = wrong.map(async ([change, code, said]) => {
    const url = new URL(database.url);
    change(url);
    const args = ["jobs", "list", "--state-dir", directoryOf("a")];
    const answer = await agentcore(scratch, args, { env: { AGENTCORE_STORE: url.href } });
    expect(answer).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(said) });
    expect(answer.stderr).not.toMatch(/wr0ng|^ +at /m);
    expect(answer.stderr).not.toContain(password);
    if (!said.source.includes("STORE is not")) expect(answer.stderr).toContain(url.host);
  });
  await Promise.all(answers);
});

/** How many processes on this machine have the text in their arguments, and, beside `agentcore`, in their environment. */
function expectHolders(text: string, expected: { readonly argv: number; readonly others: number }): void {
  const found = { argv: 0, others: 0 };
  let ours = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const [argv, env] = ["cmdline", "environ"].map((name) => {
      try {
        return readFileSync(join("/proc", pid, name), "latin1");
      } catch {
        return "";
      }
    }) as [string, string];
    if (argv.includes(text)) found.argv += 1;
    if (!env.includes(text)) continue;
    if (/agentcored?\.js/.test(argv)) ours += 1;
    else found.others += 1;
  }
  expect(found).toEqual(expected);
  expect(ours).toBeGreaterThan(0);
}
