import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@agentcore/contract/testing";
import {
  agentcore,
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Scratch,
} from "../testing/agentcore-process.ts";
import { expectEvents, resultOfLine } from "../testing/documents.ts";
import { shortId } from "../screen/short-id.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const run = (...args: string[]) => agentcore(scratch, args);

async function submit(script: string, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await run("submit", script, "--worker", "shell", ...options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

async function show(id: string) {
  const { stdout } = await run("jobs", "show", id, "--json");
  return JSON.parse(stdout) as {
    id: string;
    state: string;
    attempt: number;
    attempts: { attempt: number; permit: { grants: object }; outcome: string }[];
  };
}

it("a job outlives the process that submitted it, and `work --drain` runs it to its end", async () => {
  const id = await submit("echo done > done.txt", "--label", "team=core");
  expect((await show(id)).state).toBe("queued");
  const { code, stdout } = await run("work", "--drain", "--json");
  expect(code).toBe(0);
  expectEvents(jsonLinesOf(stdout));
  const job = await show(id);
  expect(job).toMatchObject({
    state: "succeeded",
    attempt: 1,
    labels: { team: "core" },
  });
  expect(job.attempts[0]).toMatchObject({
    attempt: 1,
    outcome: "succeeded",
    permit: { grants: {} },
  });
  expect(readFileSync(join(scratch.workspace, "done.txt"), "utf8")).toBe("done\n");
});

it("`jobs list --limit` gives as many as were asked for, and a short id is found among any number", async () => {
  const task = { worker: "shell", workspace: ".", instructions: "true" };
  const lines = Array.from({ length: 1200 }, (_, n) =>
    JSON.stringify({ id: `j${String(n).padStart(5, "0")}x`, task }),
  );
  const file = join(scratch.root, "many.jsonl");
  writeFileSync(file, lines.join("\n"));
  expect((await run("submit", "--file", file)).code).toBe(0);
  const { stdout } = await run("jobs", "list", "--limit", "100000", "--json");
  expect(jsonLinesOf(stdout).map(({ type }) => type)).toEqual(Array.from({ length: 1200 }, () => "job"));
  expect((await show("j00003")).id).toBe("j00003x");
  const { code, stderr } = await run("jobs", "show", "j0000");
  expect(code).toBe(2);
  expect(stderr).toContain('there is no job "j0000"');
  expect((await run("jobs", "show", "j00100", "--json")).code).toBe(0);
  expect((await run("submit", "true", "--worker", "shell")).code).toBe(0);
});

it("`jobs list` filters, pages and prints tables for people", async () => {
  const first = await submit("true", "--label", "a=1");
  const second = await submit("true", "--label", "a=2", "--tenant", "acme");
  const ids = async (...args: string[]) =>
    jsonLinesOf((await run("jobs", "list", "--json", ...args)).stdout).map(({ id }) => id);
  expect(await ids()).toEqual([second, first]);
  expect(await ids("--where", "label.a=1")).toEqual([first]);
  expect(await ids("--where", "label.a=1", "--where", "tenant=acme")).toEqual([]);
  expect(await ids("--where", "submitted_before=1h")).toEqual([]);
  expect(await ids("--where", "tenant=acme")).toEqual([second]);
  expect(await ids("--state", "succeeded")).toEqual([]);
  const page = await run("jobs", "list", "--json", "--limit", "1");
  expect(jsonLinesOf(page.stdout)).toMatchObject([{ id: second }, { type: "more", before: second }]);
  expect(await ids("--before", second)).toEqual([first]);
  const table = await run("jobs", "list");
  expect(table.stdout).toMatch(new RegExp(`^JOB .*\\n${shortId(second)}  queued +shell`));
});

it("a reader of a list that has had enough is no error", async () => {
  await submit("true");
  const listing = startAgentcore(scratch, ["jobs", "list"]);
  listing.child.stdout?.destroy();
  expect(await listing.finished).toMatchObject({ code: 0, stderr: "" });
});

it("`jobs wait` exits as `run` would have, whichever process runs the job", async () => {
  const id = await submit("exit 3");
  const waiting = run("jobs", "wait", id, "--json");
  await run("work", "--drain");
  const { code, stdout } = await waiting;
  expect(code).toBe(1);
  expect(resultOfLine(JSON.parse(stdout))).toMatchObject({
    jobId: id,
    outcome: "failed",
    code: "AC_WORKER_EXIT",
  });
});

it("`jobs wait --timeout` gives up and leaves the job alone", async () => {
  const id = await submit("true");
  const { code, stderr } = await run("jobs", "wait", id, "--timeout", "100ms");
  expect(code).toBe(4);
  expect(stderr).toContain("has not ended after 100ms; the job continues");
  expect((await show(id)).state).toBe("queued");
});

it("`jobs cancel` ends a queued job at once and a running one cleanly, by any name of it", async () => {
  const queued = await submit("true", "--delay", "1h");
  const running = await submit("echo go > go.txt; sleep 4720");
  const working = startAgentcore(scratch, ["work"]);
  await until(() => existsSync(join(scratch.workspace, "go.txt")));
  const { stdout, stderr } = await run("jobs", "cancel", shortId(queued), running.slice(0, -1));
  expect(stderr).toBe("");
  expect(stdout).toMatch(
    new RegExp(`${shortId(queued)}  cancelled\\n${shortId(running)}  cancellation requested`),
  );
  const waited = await run("jobs", "wait", running, "--json");
  expect(waited.code).toBe(130);
  expect(JSON.parse(waited.stdout)).toMatchObject({ outcome: "cancelled", containment: { survivors: 0 } });
  expect((await show(queued)).state).toBe("cancelled");
  const again = await run("jobs", "cancel", queued);
  expect(again).toMatchObject({
    code: 1,
    stdout: "",
    stderr: `agentcore: job ${shortId(queued)} has already ended (cancelled)\n`,
  });
  working.child.kill("SIGINT");
  expect((await working.finished).code).toBe(0);
});

it("a job is named by its short id, the beginning of its id or as the newest one", async () => {
  await submit("true");
  const id = await submit("true");
  const chosen = { id: "zz-named", task: { worker: "shell", workspace: ".", instructions: "true" } };
  await agentcore(scratch, ["submit", "--file", "-"], { input: JSON.stringify(chosen) });
  const newest = await submit("true");
  for (const [named, found] of [
    [shortId(id), id],
    [id.slice(-20), id],
    [id.slice(0, -1), id],
    ["@last", newest],
    ["--last", newest],
    ["zz-named", "zz-named"],
  ] as const) {
    const shown = await run("why", named, "--json");
    expect([named, (JSON.parse(shown.stdout) as { id: string }).id]).toEqual([named, found]);
  }
  const listed = await run("jobs", "list", "--before", shortId(newest), "--json");
  expect(jsonLinesOf(listed.stdout)[0]?.["id"]).toBe(id);
  const mistaken = shortId(id).replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  expect((await run("jobs", "show", mistaken)).stderr).toContain(`did you mean ${shortId(id)}?`);
  expect((await run("jobs", "show")).stderr).toContain("no job given: pass its id, its short id");
  expect((await run("jobs", "show", id, "--last")).stderr).toContain("give an id or --last, not both");
});

it("every bad line of a file is named, and a job that has not begun says so in its logs", async () => {
  const id = await submit("true");
  const bad = await agentcore(scratch, ["submit", "--file", "-"], { input: '{"nope":1}\n\nno json\n' });
  expect(bad).toMatchObject({ code: 2, stdout: "" });
  expect(bad.stderr).toMatch(/^agentcore: -:1: .*nope: unknown.*\n-:3: not JSON: /);
  const logs = await run("jobs", "logs", id);
  expect(logs).toMatchObject({ code: 0, stdout: "" });
  expect(logs.stderr).toContain(`job ${shortId(id)} has no output, because no attempt has begun`);
  const third = await run("jobs", "logs", id, "--attempt", "3");
  expect(third).toMatchObject({ code: 2, stdout: "" });
  expect(third.stderr).toContain(`job ${shortId(id)} has no attempt 3: no attempt has begun`);
});

it("a misspelt id cancels nothing", async () => {
  const id = await submit("true");
  expect((await run("jobs", "cancel", id, "nonsense")).code).toBe(2);
  expect((await show(id)).state).toBe("queued");
});

describe("`work`", () => {
  it("lets what runs finish at the first Ctrl-C, and starts nothing more", async () => {
    const first = await submit("echo go > go.txt; sleep 1; echo end > end.txt");
    const second = await submit("true");
    const working = startAgentcore(scratch, ["work"]);
    await until(() => existsSync(join(scratch.workspace, "go.txt")));
    working.child.kill("SIGINT");
    const { code, stdout } = await working.finished;
    expect(code).toBe(0);
    expect(stdout).toContain(`${shortId(first)}  succeeded`);
    expect((await show(second)).state).toBe("queued");
  });

  it("stops what runs at the second Ctrl-C; the job counts an attempt and may be tried again", async () => {
    const id = await submit("echo go > go.txt; sleep 4721", "--max-attempts", "2");
    const working = startAgentcore(scratch, ["work"]);
    await until(() => existsSync(join(scratch.workspace, "go.txt")));
    working.child.kill("SIGINT");
    await working.saw("finishing running jobs; press Ctrl-C again to stop them");
    working.child.kill("SIGINT");
    expect((await working.finished).code).toBe(0);
    expect(await show(id)).toMatchObject({ state: "queued", attempt: 1 });
  });

  it("leaves at once at the third Ctrl-C; what ran is ended by its runtime, and no job is lost", async () => {
    const script = "test -e go.txt && exit 0; trap '' TERM; touch go.txt; while :; do sleep 1; done";
    const id = await submit(script, "--max-attempts", "2");
    const working = startAgentcore(scratch, ["work"]);
    await until(() => existsSync(join(scratch.workspace, "go.txt")));
    working.child.kill("SIGINT");
    await working.saw("finishing running jobs; press Ctrl-C again to stop them");
    working.child.kill("SIGINT");
    // The worker ignores TERM, so the clean stop takes its five seconds.
    await working.saw("stopping running jobs; press Ctrl-C again to exit at once");
    working.child.kill("SIGINT");
    expect((await working.finished).code).toBe(130);
    expect((await show(id)).state).toBe("running");
    expect((await run("work", "--drain")).code).toBe(0);
    expect(await show(id)).toMatchObject({ state: "succeeded", attempt: 2 });
  });

  const interrupted = "echo x >> runs.txt; test $(wc -l < runs.txt) -gt 1 || sleep 4722";

  it("killed in the middle, loses no job: its runtime ends what runs, and the next one runs it again", async () => {
    const id = await submit(interrupted, "--max-attempts", "2");
    const working = startAgentcore(scratch, ["work"]);
    await until(() => existsSync(join(scratch.workspace, "runs.txt")));
    working.child.kill("SIGKILL");
    await working.finished;
    expect((await run("work", "--drain")).code).toBe(0);
    const job = await show(id);
    expect(job).toMatchObject({ state: "succeeded", attempt: 2 });
    // Spooled by the runtime when its scheduler was gone, or lost if it had no time to.
    expect(job.attempts.map(({ outcome }) => outcome)).toEqual([
      expect.stringMatching(/^(cancelled|lost)$/),
      "succeeded",
    ]);
  });

  it("starts its runtime again when that is killed, and the job with it", async () => {
    const id = await submit(interrupted, "--max-attempts", "2");
    const working = startAgentcore(scratch, ["work", "--drain"]);
    await until(() => existsSync(join(scratch.workspace, "runs.txt")));
    const { pid } = working.child;
    const runtimePid = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
    process.kill(runtimePid, "SIGKILL");
    expect((await working.finished).code).toBe(0);
    const job = await show(id);
    expect(job).toMatchObject({ state: "succeeded", attempt: 2 });
    expect(job.attempts.map(({ outcome }) => outcome)).toEqual(["lost", "succeeded"]);
  });

  it("can run everything in one process", async () => {
    const id = await submit("true");
    expect((await run("work", "--drain", "--in-process")).code).toBe(0);
    expect((await show(id)).state).toBe("succeeded");
  });
});

it("`runtime --stdio` answers a client and ends with its stdin", async () => {
  const hello = { protocolVersions: [1], client: { name: "test", version: "1" } };
  const input = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: hello })}\n`;
  const { code, stdout, stderr } = await agentcore(scratch, ["runtime", "--stdio"], { input });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(jsonLinesOf(stdout)).toMatchObject([
    { id: 1, result: { protocolVersion: 1, server: { name: "agentcore" } } },
  ]);
});

describe("dead letters", () => {
  it("are listed with why, shown, replayed once with changes, and purged", async () => {
    const id = await submit("exit 7", "--label", "team=core");
    await run("work", "--drain");
    const list = await run("dlq", "list");
    expect(list.stdout).toMatch(new RegExp(`${shortId(id)} .*AC_WORKER_EXIT`));
    expect((await run("dlq", "show", id)).stdout).toContain("exited with code 7");

    const replay = await run(
      "dlq",
      "replay",
      id,
      "--set",
      "task.instructions=true",
      "--set",
      "limits.maxAttempts=3",
      "--json",
    );
    const { jobId, isNew } = JSON.parse(replay.stdout) as { jobId: string; isNew: boolean };
    expect(isNew).toBe(true);
    const again = await run("dlq", "replay", id, "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ jobId, isNew: false });
    await run("work", "--drain");
    expect(await show(jobId)).toMatchObject({
      state: "succeeded",
      maxAttempts: 3,
    });
    expect((await run("dlq", "list")).stdout).toContain("No dead letters.");

    expect((await run("dlq", "purge", "--where", "label.team=shop")).stdout).toBe("0 deleted\n");
    expect((await run("dlq", "purge", "--where", "label.team=core")).stdout).toBe("1 deleted\n");
    expect((await run("jobs", "show", id)).code).toBe(2);
  });

  it("are never all replayed or deleted by accident", async () => {
    for (const verb of ["replay", "purge"]) {
      const { code, stderr } = await run("dlq", verb);
      expect(code).toBe(2);
      expect(stderr).toContain("give ids, a condition such as --where code=AC_TIMEOUT, or --all");
      const both = await run("dlq", verb, "--where", "worker=shell", "--all");
      expect(both.stderr).toContain("give ids, or conditions, or --all, but only one of these");
      expect(both.code).toBe(2);
    }
  });

  it("are replayed where they meet every condition", async () => {
    const failed = await submit("exit 7", "--tenant", "acme");
    const other = await submit("exit 7", "--tenant", "umbrella");
    await run("work", "--drain");
    const where = [
      "--where",
      "tenant=acme",
      "--where",
      "error_class=task_failed",
      "--where",
      "ended_after=1h",
    ];
    const listed = await run("dlq", "list", ...where, "--json");
    expect(jsonLinesOf(listed.stdout)).toMatchObject([{ id: failed }]);
    const replayed = await run("dlq", "replay", ...where);
    expect(replayed.stdout).toMatch(new RegExp(`^${shortId(failed)}  replayed as .*\n$`));
    expect((await run("dlq", "list")).stdout).toContain(shortId(other));
    expect((await run("dlq", "replay", ...where)).stderr).toContain("no dead letter matches");
  });

  it("a job that is none is refused", async () => {
    const id = await submit("true");
    const { code, stderr } = await run("dlq", "replay", id);
    expect(code).toBe(2);
    expect(stderr).toContain("is queued and not a dead letter");
  });
});

describe("a file of jobs", () => {
  const job = (fields: object) =>
    JSON.stringify({ task: { worker: "shell", workspace: ".", instructions: "true" }, ...fields });

  it("is submitted whole, each job with its id, and repeating the call changes nothing", async () => {
    const file = join(scratch.root, "jobs.jsonl");
    writeFileSync(file, `${job({ id: "one" })}\n\n${job({ id: "two", key: "k" })}\n`);
    const { code, stdout } = await run("submit", "--file", file, "--json");
    expect(code).toBe(0);
    expect(jsonLinesOf(stdout)).toMatchObject([
      { type: "submitted", id: "one", deduplicated: false },
      { type: "submitted", id: "two", deduplicated: false },
    ]);
    expect(jsonLinesOf((await run("submit", "--file", file, "--json")).stdout)).toMatchObject([
      { id: "one", deduplicated: true },
      { id: "two", deduplicated: true },
    ]);
  });

  it.each([
    ["{", /:2: not JSON/],
    [job({ nonsense: 1 }), /:2: .*nonsense/],
    [job({ context: { traceparent: "00-1-2-3" } }), /:2: context\.traceparent: not a W3C traceparent/],
    [job({ id: "a\nb" }), /:2: id: an id has no control characters/],
    [job({ id: "x".repeat(513) }), /:2: id: .*512/],
    [
      job({ task: { worker: "nobody", workspace: ".", instructions: "x" } }),
      /:2: there is no worker "nobody"/,
    ],
    [
      job({ task: { worker: "shell", workspace: "absent", instructions: "x" } }),
      /:2: the workspace .*absent does not exist/,
    ],
  ])("with a wrong line %s is refused whole, and the line is named", async (line, message) => {
    const file = join(scratch.root, "jobs.jsonl");
    writeFileSync(file, `${job({})}\n${line}\n`);
    const { code, stderr } = await run("submit", "--file", file);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect((await run("jobs", "list", "--json")).stdout).toBe("");
  });
});

it.each([
  [
    "nested a hundred thousand levels deep",
    `{"a":`.repeat(100_000) + "1" + "}".repeat(100_000),
    "AC_JOB_INVALID",
  ],
  ["larger than a mebibyte", JSON.stringify({ a: "x".repeat(1024 * 1024) }), "AC_JOB_TOO_LARGE"],
])("a line of a file that is %s is refused with its place and its code", async (_what, labels, code) => {
  const file = join(scratch.root, "jobs.jsonl");
  const task = JSON.stringify({ worker: "shell", workspace: ".", instructions: "true" });
  writeFileSync(file, `{"task":${task},"context":{"labels":${labels}}}\n`);
  const refused = await run("submit", "--file", file);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(new RegExp(`^agentcore: .*jobs\\.jsonl:1: .*\n  ${code}: `));
});

it("a key that is held: the submit joins the job, or is refused", async () => {
  const id = await submit("true", "--key", "k");
  const joined = await run("submit", "true", "--worker", "shell", "--key", "k");
  expect(joined.stdout).toBe(`${id}\n`);
  expect(joined.stderr).toContain("joined job");
  const refused = await run("submit", "true", "--worker", "shell", "--key", "k", "--dedup", "reject");
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain("AC_KEY_HELD");
});

describe("`why`", () => {
  it("names the decision, the evidence and the line of the configuration", async () => {
    writeFileSync(
      join(scratch.workspace, "agentcore.yaml"),
      "limits:\n  global:\n    cost_usd:\n      day: 1\n",
    );
    const id = await submit("true", "--max-cost", "5");
    await run("work", "--drain");
    const { stdout } = await run("why", id);
    expect(stdout).toContain("rejected");
    expect(stdout).toContain("AC_BUDGET_COST");
    expect(stdout).toMatch(/limits\.global\.cost_usd\.day: .*agentcore\.yaml:4\n/);
    const [waited] = jsonLinesOf((await run("jobs", "wait", id, "--json")).stdout);
    expect(waited).toMatchObject({ code: "AC_BUDGET_COST", attempts: 0 });
    expect((await run("jobs", "wait", id)).code).toBe(3);
  });

  it("says that nothing holds a job back but the lack of a worker process", async () => {
    const id = await submit("true");
    expect((await run("why", id)).stdout).toContain("agentcore work");
  });

  it("says until when a delayed job waits, and so does a drain", async () => {
    const id = await submit("true", "--delay", "2h");
    expect((await run("why", id)).stdout).toMatch(/submitted with a delay: not before .*Z, in (2h|1h59m)/);
    const drain = startAgentcore(scratch, ["work", "--drain"]);
    await drain.saw("for 1 delayed job; the next is due in ");
    await run("jobs", "cancel", id);
    expect((await drain.finished).code).toBe(0);
  });
});

it("`budget` shows what is held and spent against each limit", async () => {
  writeFileSync(
    join(scratch.workspace, "agentcore.yaml"),
    "limits:\n  global:\n    cost_usd: { day: 25 }\n  workers:\n    shell: { tokens: { month: 1000 } }\n",
  );
  const { stdout } = await run("budget", "--json");
  expect(jsonLinesOf(stdout)).toMatchObject([
    { scope: "global", kind: "cost_usd", window: "day", limit: 25, held: 0, spent: 0, left: 25 },
    { scope: "worker:shell", kind: "tokens", window: "month", limit: 1000, held: 0, spent: 0, left: 1000 },
    { type: "pricing" },
    { type: "call_spend", workers: [] },
  ]);
});

describe("`jobs logs`", () => {
  it("prints what the worker printed, as lines or as the bytes that came", async () => {
    const id = await submit("echo out; echo err >&2");
    await run("work", "--drain");
    expect((await run("jobs", "logs", id)).stdout).toBe("  out     out\n  err     err\n");
    expect(await run("jobs", "logs", id, "--raw")).toMatchObject({ stdout: "out\n", stderr: "err\n" });
    expect(jsonLinesOf((await run("jobs", "logs", id, "--json")).stdout)).toMatchObject([
      { type: "worker_event", jobId: id, attempt: 1, event: { type: "stdout", text: "out" } },
      { event: { type: "stderr", text: "err" } },
    ]);
  });

  it("finds the logs of a job whatever its id is, also the second time that the id is used", async () => {
    const file = join(scratch.root, "jobs.jsonl");
    const id = `../my jobs/${"ü".repeat(290)}`;
    for (const word of ["one", "two"]) {
      const task = { worker: "shell", workspace: ".", instructions: `echo ${word}; exit 1` };
      writeFileSync(file, JSON.stringify({ id, task }));
      expect((await run("submit", "--file", file)).stdout).toBe(`${id}\n`);
      await run("work", "--drain");
      expect((await run("jobs", "logs", id, "--raw")).stdout).toBe(`${word}\n`);
      expect((await run("jobs", "logs", id, "-f", "--raw")).stdout).toBe(`${word}\n`);
      expect((await run("dlq", "purge", id)).stdout).toBe("1 deleted\n");
    }
  });

  it("follows a job over its attempts until it has ended", async () => {
    const id = await submit(
      "echo try >> tries.txt; cat tries.txt; test $(wc -l < tries.txt) = 2",
      "--max-attempts",
      "2",
    );
    const following = startAgentcore(scratch, ["jobs", "logs", "-f", id]);
    await run("work", "--drain");
    const { code, stdout } = await following.finished;
    expect(code).toBe(0);
    expect(stdout).toBe("  out     try\n  out     try\n  out     try\n");
  });
});
