/** Every verb with `--json`: each of its lines is one of the published documents. */
import { serveTestApi } from "@agentcore/api/testing";
import { documentSchema, jsonDocument, systemIds } from "@agentcore/contract";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import type { Command } from "commander";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as z from "zod";
import { buildProgram } from "../command-line/program.ts";
import { jsonLinesOf, makeScratch } from "../testing/agentcore-process.ts";
import { commandsInProcess } from "../testing/in-process.ts";
import { outputJsonSchema } from "./documents.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const run = commandsInProcess(scratch);
const line = z.fromJSONSchema(outputJsonSchema());
const seen = new Set<string>();

interface Printed {
  readonly code: number | null;
  readonly lines: readonly Record<string, unknown>[];
  readonly stderr: string;
}

/** Of the daemon, once a test has started it. */
let url = "";

async function json(...args: string[]): Promise<Printed> {
  const { code, stdout, stderr } = await run([...args, "--json"], { AGENTCORE_URL: url });
  const lines = jsonLinesOf(stdout);
  for (const each of lines) {
    const { success } = line.safeParse(each);
    if (!success)
      expect.fail(`${args.join(" ")} prints what no document describes: ${JSON.stringify(each, null, 1)}`);
    expect(JSON.stringify(each)).not.toMatch(/"(?:at|\w+At)":\d/);
  }
  seen.add(verbOf(args));
  return { code, lines, stderr };
}

const verbs = verbsWithJson(buildProgram({ env: {} } as never, { exitCode: 0 }), "");
const verbOf = (args: readonly string[]): string =>
  verbs.find((verb) => verb === args.slice(0, 2).join(" ")) ?? args[0] ?? "";

function verbsWithJson(command: Command, path: string): string[] {
  const own = command.options.some(({ long }) => long === "--json") ? [path] : [];
  return [
    ...own,
    ...command.commands.flatMap((child) => verbsWithJson(child, `${path} ${child.name()}`.trim())),
  ];
}

const shell = ["--worker", "shell", "--capabilities", "run_commands"];

beforeAll(() => {
  writeFileSync(
    join(scratch.workspace, "agentcore.yaml"),
    "limits: { global: { cost_usd: { day: 5, total: 50 } } }\n",
  );
  mkdirSync(join(scratch.workspace, "in"));
  const step = (id: string, script: string) =>
    `  ${id}: { worker: shell, capabilities: [run_commands], instructions: "${script}" }\n`;
  const head = 'name: two\nversion: "1"\ntimeout: 5m\nsteps:\n';
  writeFileSync(join(scratch.workspace, "ok.yaml"), head + step("a", "echo a"));
  writeFileSync(join(scratch.workspace, "bad.yaml"), head + step("a", "echo a; exit 1"));
  writeFileSync(join(scratch.workspace, "invalid.yaml"), `${head}  a: { wroker: shell }\n`);
});

it("jobs: submit, list, show, why, wait, cancel, logs, dead letters", async () => {
  const first = await json("submit", "echo out; exit 7", ...shell, "--label", "a=1", "--max-cost", "1");
  expect(first.lines).toMatchObject([{ v: 1, type: "submitted", deduplicated: false }]);
  await json("submit", "echo later", ...shell, "--delay", "1h");
  expect((await json("jobs", "run-now", "@last")).lines).toMatchObject([{ type: "job", state: "queued" }]);
  expect((await json("jobs", "cancel", "@last")).lines).toMatchObject([{ outcome: "cancelled" }]);
  await json("work", "--drain", "--in-process");
  const listed = (await json("jobs", "list", "--limit", "1")).lines;
  expect(listed.map(({ type }) => type)).toEqual(["job", "more"]);
  const id = String(first.lines[0]?.["id"]);
  const shown = (await json("jobs", "show", id)).lines[0];
  // What no worker reported is null, not 0.
  expect(shown).toMatchObject({
    state: "dead",
    labels: { a: "1" },
    costUsd: null,
    tokens: null,
    exitCode: 7,
  });
  expect((await json("why", id)).lines[0]).toMatchObject({ type: "job_decisions", code: "AC_WORKER_EXIT" });
  expect((await json("jobs", "wait", id)).lines).toMatchObject([{ type: "result", outcome: "failed" }]);
  expect((await json("jobs", "logs", id)).lines).toMatchObject([{ type: "worker_event", at: null }]);
  expect((await json("jobs", "show", "none")).lines).toMatchObject([
    { type: "error", code: "AC_JOB_NOT_FOUND" },
  ]);
  expect((await json("dlq", "list")).lines).toMatchObject([{ type: "job", id }]);
  await json("dlq", "show", id);
  expect((await json("dlq", "replay", id)).lines).toMatchObject([{ type: "replayed", deadJobId: id }]);
  expect((await json("dlq", "purge", "--all")).lines).toMatchObject([{ type: "purged" }]);
});

it("the machine and its money: doctor, backup, budget, trust, adapters", async () => {
  expect((await json("adapter", "new", "mine")).lines).toMatchObject([{ type: "adapter", name: "mine" }]);
  await json("doctor");
  expect((await json("backup", "copy")).lines).toMatchObject([{ type: "backup" }]);
  expect((await json("budget")).lines).toMatchObject([
    { type: "budget", scope: "global", window: "day", limit: 5, left: 5 },
    { type: "budget", window: null },
    { type: "pricing" },
    { type: "call_spend" },
  ]);
  await json("trust");
  expect((await json("trust", "--list")).lines).toMatchObject([{ type: "trust", trusted: true }]);
  await json("trust", "--revoke");
});

it("runs and workflows", async () => {
  const { lines } = await json("run", "echo hello", ...shell);
  expect(lines.at(-1)).toMatchObject({ v: 1, type: "result", outcome: "succeeded", costUsd: null });
  expect((await json("workflow", "validate", "invalid.yaml")).lines).toMatchObject([{ ok: false }]);
  await json("workflow", "validate", "ok.yaml");
  expect((await json("daemon", "validate", "invalid.yaml")).lines).toMatchObject([{ ok: false }]);
  const planned = await json("workflow", "run", "ok.yaml", "--dry-run");
  expect(planned.lines.at(-1)).toMatchObject({ type: "dry_run", steps: [{ id: "a" }] });
  expect((await json("workflow", "run", "ok.yaml")).lines.at(-1)).toMatchObject({
    type: "result",
    costUsd: null,
  });
  await json("workflow", "run", "bad.yaml");
  await json("workflow", "retry", "--last");
  await json("workflow", "resume", "--last");
  expect((await json("workflow", "list")).lines).toMatchObject([
    { type: "run", state: "FAILED" },
    { type: "run" },
  ]);
  expect((await json("workflow", "show", "--last")).lines).toMatchObject([
    { type: "run_details", tokens: null, steps: [{ id: "a", tokens: null }] },
  ]);
  await json("workflow", "logs", "--last");
  await json("workflow", "approve", "--last", "build");
  await json("workflow", "reject", "--last");
  expect((await json("workflow", "cancel", "--last")).lines).toMatchObject([{ code: "AC_WORKFLOW_ENDED" }]);
});

it("the triggers of a daemon, and the tokens of its API", async () => {
  const api = await serveTestApi();
  url = `unix://${api.socket}`;
  try {
    expect((await json("top")).lines).toMatchObject([{ type: "overview", running: [{ activity: "tool" }] }]);
    expect((await json("trigger", "list")).lines).toMatchObject([{ type: "trigger", id: "nightly" }]);
    expect((await json("trigger", "pause", "nightly", "--note", "why")).lines).toMatchObject([
      { type: "trigger", state: "paused", pauseNote: "why" },
    ]);
    expect((await json("trigger", "resume", "nightly")).lines).toMatchObject([{ state: "active" }]);
    const { lines } = await json("trigger", "fire", "nightly", "--payload", '{"at": 5}');
    expect(lines).toMatchObject([{ type: "accepted", duplicates: 0 }]);
    const event = String((lines[0]?.["events"] as readonly string[] | undefined)?.[0]);
    const kind = { kind: "waiting", attempt: 1, notBefore: 0 } as const;
    const firing = { id: systemIds.next(), trigger: "nightly", event, at: 0, key: null, state: kind };
    await api.triggerStore.commit({ firings: [firing] });
    expect((await json("trigger", "show", "nightly")).lines).toMatchObject([
      { type: "trigger_details", id: "nightly" },
      { type: "firing", state: "waiting", event },
    ]);
    await json("trigger", "backfill", "nightly", "--from", "2026-05-01", "--to", "2026-05-03");
    expect((await json("trigger", "replay", "@last")).lines).toMatchObject([{ type: "accepted" }]);
    expect((await json("trigger", "cancel", firing.id)).lines).toMatchObject([
      { type: "error", code: "AC_FIRING_NOT_FOUND" },
    ]);
    expect((await json("emit", "work", "[1]", "--key", "k")).lines).toMatchObject([{ duplicates: 0 }]);
  } finally {
    url = "";
    await api.close();
  }
  const created = await json("token", "create", "ci", "--expires", "30d");
  expect(created.lines).toMatchObject([{ type: "token_created", name: "ci", scope: "read" }]);
  const listed = (await json("token", "list")).lines;
  expect(listed).toMatchObject([{ type: "token", name: "ci" }]);
  expect((await json("token", "revoke", String(listed[0]?.["id"]))).lines).toMatchObject([
    { type: "token_revoked", id: listed[0]?.["id"] },
  ]);
});

it("the hosts of a queue", async () => {
  const database = await openStateDatabase({ directory: scratch.stateDir });
  const store = createSqliteJobStore(database);
  const place = ["--state-dir", scratch.stateDir];
  const hosting = { name: "h", workers: ["shell"], capacity: 1, version: "1.0.0", isDraining: false };
  const process = { host: "m", bootId: "b", pid: 1, startTicks: 1, hosting };
  await store.registerOwner({ owner: "o", process, leaseMs: 200, at: 1 });
  expect((await json("hosts", "list", ...place)).lines).toMatchObject([
    { type: "host", name: "h", state: "silent" },
  ]);
  for (const verb of ["drain", "resume"])
    expect((await json("hosts", verb, "h", ...place)).lines).toMatchObject([
      { type: "host_drain", draining: verb === "drain" },
    ]);
  await store.removeOwner("o");
  await store.close();
  await database.close();
});

it("includes every verb that has --json", () => {
  expect(verbs.filter((verb) => !seen.has(verb))).toEqual([]);
});

it("a line that lacks or adds a field is none of the documents", () => {
  const submitted = { v: 1, type: "submitted", id: "j", deduplicated: false };
  expect(line.safeParse(submitted).success).toBe(true);
  for (const wrong of [
    { ...submitted, v: 2 },
    { ...submitted, id: undefined },
    { ...submitted, extra: 1 },
  ])
    expect(line.safeParse(wrong).success).toBe(false);
});

it("times are ISO 8601, durations whole milliseconds, other figures have six decimals at most", () => {
  const value = { startedAt: 1_796_011_062_208, emptyAfterMs: 82.539, costUsd: 0.1 + 0.2, at: null, n: NaN };
  expect(jsonDocument({ ...value, inner: [{ at: 0 }] })).toEqual({
    v: 1,
    startedAt: "2026-11-30T03:57:42.208Z",
    emptyAfterMs: 83,
    costUsd: 0.3,
    at: null,
    n: null,
    inner: [{ at: "1970-01-01T00:00:00.000Z" }],
  });
  const schema = z.toJSONSchema(z.object({ at: z.number().nullable(), aMs: z.number(), n: z.number() }));
  expect(documentSchema(schema as Record<string, unknown>)["properties"]).toEqual({
    at: { type: ["string", "null"], format: "date-time" },
    aMs: { type: "integer" },
    n: { type: "number" },
  });
});
