/**
 * A process of its own that works on a state directory, for tests that kill, stop or multiply processes. Prints one JSON
 * line for each thing it knows to be done, written before it goes on: `node child.ts MODE DIRECTORY NAME`.
 */
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { jobSchema } from "@agentcore/contract";
import { processOwner } from "@agentcore/core";
import { endedCall, openCall } from "@agentcore/core/testing";
import {
  type ClaimRequest,
  type JobRecord,
  type Submission,
  attemptRef,
  excludeNothing,
} from "@agentcore/scheduler";
import { firingOf, running, testEvent } from "@agentcore/triggers/testing";
import { nodeSqliteDriver } from "../driver.ts";
import { createSqliteCallJournal } from "../sqlite-call-journal.ts";
import { createSqliteJobStore } from "../sqlite-job-store.ts";
import { createSqliteLedger } from "../sqlite-ledger.ts";
import { createSqliteTriggerStore } from "../sqlite-trigger-store.ts";
import { openStateDatabase } from "../state-database.ts";
import { faultyDriver } from "./faulty-driver.ts";
import { type Fact, finishJobs, holdOf, resultOf } from "./ten-jobs.ts";

const [mode = "", directory = "", name = ""] = process.argv.slice(2);
const database = await openStateDatabase({ directory });
const jobs = createSqliteJobStore(database);
const ledger = createSqliteLedger(database);
const startAt = 1_700_000_000_000;

function say(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
const note = (fact: Fact): void => say(fact);

const claimOf = (limit: number): ClaimRequest => ({
  owner: name,
  now: startAt,
  limit,
  perKey: 1,
  exclude: excludeNothing,
});

async function register(owner: string): Promise<void> {
  const identity = { host: "test", bootId: "boot", pid: process.pid, startTicks: null };
  await jobs.registerOwner({ owner, process: identity, leaseMs: 10_000, at: startAt });
}

function submissionOf(id: string): Submission {
  const job = jobSchema.parse({
    id,
    task: { worker: "shell", workspace: `/projects/${id}`, instructions: "true" },
  });
  return {
    job,
    submittedAt: startAt,
    runAt: startAt,
    delayMs: 0,
    rank: startAt,
    readyFrom: startAt,
    concurrencyKey: job.task.workspace,
    rememberAlias: true,
  };
}

const success = {
  kind: "succeeded",
  result: resultOf("succeeded"),
  charge: { costUsd: 0, tokens: 0 },
  at: startAt,
} as const;

/** Submits, claims, holds and settles until it is killed. */
async function work(): Promise<never> {
  await finishJobs({ jobs, ledger }, `${name}-finisher`);
  await register(name);
  for (let round = 0; ; round += 1) {
    const ids = Array.from({ length: 5 }, (_, index) => `${name}-${round}-${index}`);
    await Promise.all(
      ids.map(async (id) => {
        await jobs.submit([submissionOf(id)], () => "coalesce");
        note({ type: "submitted", id });
      }),
    );
    const claimed = await jobs.claim(claimOf(4));
    for (const record of claimed) note({ type: "claimed", id: record.job.id, epoch: record.epoch });
    await Promise.all(claimed.map(runOne));
  }
}

async function runOne(record: JobRecord): Promise<void> {
  const { holdId, ...entry } = holdOf(record);
  await ledger.hold({ holdId, ...entry });
  note({ type: "held", holdId });
  const ref = attemptRef(record);
  await jobs.settleAndClaim([{ ref, ...success }]);
  note({ type: "settled", id: ref.jobId, epoch: ref.epoch, state: "succeeded" });
  await ledger.settle(holdId, { costMicroUsd: 250_000, tokens: 10, basis: "reported", settledAt: startAt });
  note({ type: "spent", holdId });
}

/** Accepts events from eight callers and decides about them, until it is killed. Every third event has the key of another. */
async function accept(): Promise<never> {
  const triggers = createSqliteTriggerStore(database);
  const caller = async (index: number): Promise<never> => {
    for (let round = 0; ; round += 1) {
      const key = `${name}-${index}-${round - (round % 3 === 2 ? 1 : 0)}`;
      const event = testEvent({ id: `${name}-${index}-${round}`, key });
      const [answer] = await triggers.accept({ events: [event], sources: { [name]: round } });
      say({ id: event.id, key, answer });
    }
  };
  const router = async (): Promise<never> => {
    for (;;) {
      const events = await triggers.unrouted(5);
      const firings = events.map((event) => firingOf(event, { state: running(`run-${event.id}`) }));
      await triggers.commit({ routed: events.map(({ id }) => id), firings });
      for (const { id } of events) say({ id, answer: "routed" });
    }
  };
  return Promise.race([router(), ...Array.from({ length: 8 }, async (_, index) => caller(index))]);
}

/**
 * Permits that hold a ceiling and make calls, several at once, until it is killed. A call costs money from the line that says
 * `begun` on, for then its request is sent.
 */
async function meter(): Promise<never> {
  const journal = createSqliteCallJournal(database);
  const makeCall = async (permitId: string, number: number): Promise<void> => {
    const call = openCall({ permitId, jobId: permitId, id: `c${number}`, costMicroUsd: 1000 + number });
    await journal.begin(call);
    const cost = 100 + number;
    say({ permitId, id: call.id, cost, what: "begun" });
    await sleep(5 * number);
    await journal.end(endedCall(call, { costMicroUsd: cost }));
    say({ permitId, id: call.id, cost, what: "ended" });
  };
  const attempts = async (index: number): Promise<never> => {
    for (let round = 0; ; round += 1) {
      const permitId = `${name}-${index}-${round}`;
      const entry = holdOf({ job: { id: permitId }, attempt: 1, epoch: 1 } as JobRecord);
      await ledger.hold({ ...entry, holdId: permitId, owner: processOwner() });
      await makeCall(permitId, 0);
      await Promise.all([makeCall(permitId, 1), makeCall(permitId, 2)]);
      const spent = { costMicroUsd: 303, tokens: 0, basis: "metered", settledAt: startAt } as const;
      if (round % 3 === 0) await ledger.settle(permitId, spent);
    }
  };
  return Promise.race(Array.from({ length: 6 }, async (_, index) => attempts(index)));
}

/** Eight claimers that take one job at a time until none is left. */
async function claimAll(): Promise<void> {
  await register(name);
  const claimer = async (): Promise<void> => {
    for (;;) {
      const [record] = await jobs.claim(claimOf(1));
      if (record === undefined) return;
      note({ type: "claimed", id: record.job.id, epoch: record.epoch });
    }
  };
  await Promise.all(Array.from({ length: 8 }, claimer));
}

/** Claims a job, waits until stdin ends, and then reports success. */
async function settleLate(): Promise<void> {
  await register(name);
  const [record] = await jobs.claim(claimOf(1));
  if (record === undefined) throw new RangeError("there is nothing to claim");
  const ref = attemptRef(record);
  note({ type: "claimed", id: ref.jobId, epoch: ref.epoch });
  for await (const _ of process.stdin);
  const { settled } = await jobs.settleAndClaim([{ ref, ...success }], claimOf(1));
  say({ applied: settled[0]?.applied, heartbeat: await jobs.heartbeat(name) });
}

/** Holds the write lock until stdin ends. */
async function lock(): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const connection = new DatabaseSync(database.path);
  connection.exec("BEGIN IMMEDIATE");
  say({ locked: true });
  for await (const _ of process.stdin);
  connection.exec("ROLLBACK");
  connection.close();
}

/** Submits a job, and suspends itself when everything but the commit is written. */
async function stopInCommit(): Promise<void> {
  let isArmed = false;
  const driver = faultyDriver(nodeSqliteDriver, {
    before({ sql }) {
      if (!isArmed || !sql.startsWith("COMMIT")) return;
      say({ stopping: true });
      process.kill(process.pid, "SIGSTOP");
    },
  });
  const own = createSqliteJobStore(await openStateDatabase({ directory, driver }));
  isArmed = true;
  await own.submit([submissionOf(name)], () => "coalesce");
  note({ type: "submitted", id: name });
  await own.close();
}

switch (mode) {
  case "work":
    await work();
    break;
  case "accept":
    await accept();
    break;
  case "meter":
    await meter();
    break;
  case "claim-all":
    await claimAll();
    break;
  case "settle-late":
    await settleLate();
    break;
  case "lock":
    await lock();
    break;
  case "stop-in-commit":
    await stopInCommit();
    break;
  default:
    throw new RangeError(`no mode ${mode}`);
}
await database.close();
