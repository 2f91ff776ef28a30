/** Real processes on one file: killed, stopped, and several at once. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ownerIsDead, reconcileHolds } from "@agentcore/core";
import type { Submission } from "@agentcore/scheduler";
import { attemptRef } from "@agentcore/scheduler";
import { byJobDedup, testJob, testOwner, testSubmission } from "@agentcore/scheduler/testing";
import { testEvent } from "@agentcore/triggers/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { patienceMs, testSeed, until } from "@agentcore/contract/testing";
import { createSqliteCallJournal } from "./sqlite-call-journal.ts";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import { createSqliteTriggerStore } from "./sqlite-trigger-store.ts";
import { openStateDatabase } from "./state-database.ts";
import { stateFlaws } from "./testing/state-flaws.ts";
import { type Fact, factFlaws, finishJobs } from "./testing/ten-jobs.ts";

let directory = "";
const children = new Set<ChildProcess>();
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "agentcore-processes-"));
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  rmSync(directory, { recursive: true });
});

const program = fileURLToPath(new URL("testing/child.ts", import.meta.url));

/** Starts `child.ts`; `lines` grows with its output. A line that a kill cut off is omitted. */
function start(mode: string, name: string) {
  const child = spawn(process.execPath, ["--conditions=@agentcore/source", program, mode, directory, name], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.add(child);
  const lines: unknown[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts.map((part) => JSON.parse(part) as unknown));
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  const firstLine = once(child.stdout, "data");
  return { child, lines, closed, firstLine };
}

async function withState<T>(
  use: (state: Awaited<ReturnType<typeof openState>>) => Promise<T>,
  lockTimeoutMs = 10_000,
): Promise<T> {
  const state = await openState(lockTimeoutMs);
  try {
    return await use(state);
  } finally {
    await state.database.close();
  }
}

async function openState(lockTimeoutMs: number) {
  const database = await openStateDatabase({ directory, lockTimeoutMs });
  return {
    database,
    jobs: createSqliteJobStore(database),
    ledger: createSqliteLedger(database),
    triggers: createSqliteTriggerStore(database),
  };
}

const kills = Number(process.env.AGENTCORE_KILLS ?? 12);
const seed = testSeed("killed processes");

/** Park and Miller's generator: good enough to choose moments. */
function createDraws(from: number): () => number {
  let state = from % 2_147_483_647;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

it(
  `kill -9 at ${kills} moments from seed ${seed} loses nothing that was acknowledged, and the ledger stays true`,
  async () => {
    const draw = createDraws(seed);
    const facts: Fact[] = [];
    for (let round = 0; round < kills; round += 1) {
      const { child, lines, closed, firstLine } = start("work", `worker-${round}`);
      await firstLine;
      await sleep(draw() * 60);
      child.kill("SIGKILL");
      await closed;
      facts.push(...(lines as Fact[]));
      await withState(async ({ database, jobs, ledger }) => {
        expect(await stateFlaws(database)).toEqual([]);
        expect(await factFlaws({ jobs, ledger }, facts, false)).toEqual([]);
      });
    }
    expect(facts.length).toBeGreaterThan(kills);
    await withState(async ({ database, jobs, ledger }) => {
      await finishJobs({ jobs, ledger });
      expect(await factFlaws({ jobs, ledger }, facts, true)).toEqual([]);
      expect(await stateFlaws(database)).toEqual([]);
      expect(await ledger.openHolds()).toEqual([]);
    });
  },
  patienceMs(120_000),
);

const killsOfAccepts = Math.ceil(kills / 3);

it(
  `kill -9 at ${killsOfAccepts} moments from seed ${seed} keeps each acknowledged event exactly once, with its decision`,
  async () => {
    const draw = createDraws(seed);
    const answers: { id: string; key: string; answer: "accepted" | "duplicate" | "routed" }[] = [];
    for (let round = 0; round < killsOfAccepts; round += 1) {
      const { child, lines, closed } = start("accept", `source-${round}`);
      const heard = lines as typeof answers;
      await until(() => ["duplicate", "routed"].every((kind) => heard.some(({ answer }) => answer === kind)));
      await sleep(draw() * 60);
      child.kill("SIGKILL");
      await closed;
      answers.push(...heard);
    }
    const idsOf = (wanted: string) => answers.filter(({ answer }) => answer === wanted).map(({ id }) => id);
    expect(idsOf("accepted").length).toBeGreaterThan(killsOfAccepts);
    await withState(async ({ database, triggers }) => {
      expect(await stateFlaws(database)).toEqual([]);
      const stored = await database.read((sql) =>
        sql.all(
          "SELECT id, key, routed, (SELECT count(*) FROM trigger_firings WHERE event = e.number) AS fired FROM trigger_events e",
        ),
      );
      const ids = new Set(stored.map((row) => row.id));
      expect(idsOf("accepted").filter((id) => !ids.has(id))).toEqual([]);
      expect(idsOf("duplicate").filter((id) => ids.has(id))).toEqual([]);
      const routed = new Set(stored.filter((row) => row.routed === 1).map((row) => row.id));
      expect(idsOf("routed").filter((id) => !routed.has(id))).toEqual([]);
      expect(stored.filter((row) => row.fired !== row.routed)).toEqual([]);
      expect(new Set(stored.map((row) => row.key)).size).toBe(stored.length);
      // Senders that did not get their answer deliver again.
      const again = stored.map((row) => testEvent({ key: String(row.key) }));
      expect(new Set(await triggers.accept({ events: again }))).toEqual(new Set(["duplicate"]));
      expect((await triggers.load()).open).toHaveLength(routed.size);
    });
  },
  patienceMs(120_000),
);

it(
  `kill -9 at ${killsOfAccepts} moments from seed ${seed} during calls charges what they cost, or can cost if they were open`,
  async () => {
    const draw = createDraws(seed);
    const found = { open: 0, ended: 0 };
    for (let round = 0; round < killsOfAccepts; round += 1) {
      const { child, lines, closed } = start("meter", `meter-${round}`);
      const heard = lines as { permitId: string; id: string; cost: number; what: "begun" | "ended" }[];
      await until(() => heard.length > 50);
      await sleep(draw() * 60);
      child.kill("SIGKILL");
      await closed;
      await withState(async ({ database, ledger }) => {
        const journal = createSqliteCallJournal(database);
        const reconciled = await reconcileHolds(ledger, {
          ownerIsDead,
          calls: journal,
          now: 1_700_000_000_000,
        });
        for (const { hold, spent } of reconciled) {
          const ofPermit = heard.filter(({ permitId }) => permitId === hold.holdId);
          const sent = ofPermit.filter(({ what }) => what === "begun");
          const truth = sent.reduce((sum, { cost }) => sum + cost, 0);
          expect(spent.costMicroUsd).toBeGreaterThanOrEqual(truth);
          const calls = await journal.calls(hold.holdId);
          const open = new Set(calls.filter(({ outcome }) => outcome === "open").map(({ id }) => id));
          // What was acknowledged is there: each start, and each end.
          expect(calls.map(({ id }) => id)).toEqual(expect.arrayContaining(sent.map(({ id }) => id)));
          expect(ofPermit.filter(({ id, what }) => what === "ended" && open.has(id))).toEqual([]);
          if (calls.length === 0) continue;
          found[open.size === 0 ? "ended" : "open"] += 1;
          const atMost = calls.reduce(
            (sum, { id }) => sum + Number(id.slice(1)) + (open.has(id) ? 1000 : 100),
            0,
          );
          const basis = open.size === 0 ? "metered" : "estimated";
          expect(spent).toMatchObject({ costMicroUsd: atMost, basis });
        }
        expect(await ledger.openHolds()).toEqual([]);
        expect(await stateFlaws(database)).toEqual([]);
      });
    }
    expect(found.open).toBeGreaterThan(0);
    expect(found.ended).toBeGreaterThan(0);
  },
  patienceMs(120_000),
);

it(
  "16 claimers in two processes take 10,000 jobs, each once",
  async () => {
    const submissions: Submission[] = Array.from({ length: 10_000 }, () => testSubmission(testJob()));
    await withState(async ({ jobs }) => {
      for (let at = 0; at < submissions.length; at += 1000) {
        await jobs.submit(submissions.slice(at, at + 1000), byJobDedup);
      }
    });
    const claimers = ["one", "two"].map((name) => start("claim-all", name));
    for (const { closed } of claimers) expect((await closed)[0]).toBe(0);
    const taken = claimers.map(({ lines }) => (lines as { id: string }[]).map(({ id }) => id));
    expect(taken.flat().toSorted()).toEqual(submissions.map(({ job }) => job.id).toSorted());
    expect(taken.map((ids) => ids.length > 0)).toEqual([true, true]);
    await withState(async ({ database }) => {
      expect(await stateFlaws(database)).toEqual([]);
    });
  },
  patienceMs(120_000),
);

it("an owner that was stopped past its takeover is fenced when it wakes, and its success is applied", async () => {
  const job = testJob();
  await withState(({ jobs }) => jobs.submit([testSubmission(job)], byJobDedup));
  const zombie = start("settle-late", "zombie");
  await zombie.firstLine;
  zombie.child.kill("SIGSTOP");
  await withState(async ({ jobs }) => {
    await jobs.registerOwner(testOwner("heir"));
    const moved = await jobs.takeOver({ from: "zombie", to: "heir", beat: 0, at: 1 });
    expect(moved.map(attemptRef)).toEqual([{ jobId: job.id, attempt: 1, epoch: 2 }]);
  });
  zombie.child.kill("SIGCONT");
  zombie.child.stdin.end();
  await zombie.closed;
  // No other attempt has begun, so the finished work counts.
  expect(zombie.lines.at(-1)).toEqual({ applied: "applied", heartbeat: "fenced" });
  await withState(async ({ jobs, database }) => {
    const record = await jobs.get(job.id);
    expect(record).toMatchObject({ attempt: 1, epoch: 2, state: { kind: "succeeded" } });
    expect(await jobs.attempts(job.id)).toHaveLength(1);
    expect(await jobs.lateResults(job.id)).toEqual([]);
    expect(await stateFlaws(database)).toEqual([]);
  });
});

it("a file that another process keeps locked is refused after the wait, and written once it is free", async () => {
  await withState(async () => {});
  const locker = start("lock", "locker");
  await locker.firstLine;
  await withState(async ({ jobs }) => {
    const submission = testSubmission(testJob());
    await expect(jobs.submit([submission], byJobDedup)).rejects.toMatchObject({
      code: "AC_STORE_UNAVAILABLE",
      message: expect.stringContaining("locked by another process") as string,
    });
    const patient = await openState(10_000);
    const accepted = patient.jobs.submit([submission], byJobDedup);
    locker.child.stdin.end();
    expect((await accepted)[0]?.kind).toBe("accepted");
    expect(await jobs.get(submission.job.id)).toBeDefined();
    await patient.database.close();
    await locker.closed;
  }, 30);
});

it(
  "whoever comes while another process is stopped in the middle of a commit reads, and is refused a write in bounded time",
  async () => {
    await withState(async () => {});
    const stopped = start("stop-in-commit", "half-written");
    await stopped.firstLine;
    await until(() => /^State:\tT/m.test(readFileSync(`/proc/${stopped.child.pid}/status`, "utf8")));
    await withState(async ({ jobs }) => {
      expect(await jobs.get("half-written")).toBeUndefined();
      await expect(jobs.submit([testSubmission(testJob())], byJobDedup)).rejects.toMatchObject({
        code: "AC_STORE_UNAVAILABLE",
        message: expect.stringContaining("locked by another process") as string,
      });
      stopped.child.kill("SIGCONT");
      expect((await stopped.closed)[0]).toBe(0);
      expect(await jobs.get("half-written")).toBeDefined();
      expect((await jobs.submit([testSubmission(testJob())], byJobDedup))[0]?.kind).toBe("accepted");
    }, 50);
  },
  patienceMs(20_000),
);
