/** Submit and replay. A key has one holder, and an id has one job. */
import { assert } from "@agentcore/contract";
import {
  type DecideDedup,
  type JobRecord,
  type PreparedSubmission,
  type ReplayResult,
  type SubmitResult,
  idTaken,
  supersededReason,
} from "@agentcore/scheduler";
import { fromColumn, toColumn } from "../store/plain-text.ts";
import { Reading, type Rows } from "../store/reading.ts";
import type { Sql } from "../store/sql.ts";
import { addGroups, groupsOf } from "./claim-groups.ts";
import { Draft } from "./draft.ts";
import { type StoredJob, addJobsById, storedJobOf } from "./job-row.ts";
import { writeDraft } from "./write-draft.ts";

export async function submitAll(
  sql: Sql,
  submissions: readonly PreparedSubmission[],
  decideDedup: DecideDedup,
): Promise<readonly SubmitResult[]> {
  if (submissions.length === 0) return [];
  const draft = new Draft();
  const entry = await openEntry(sql, draft, submissions, []);
  const results = submissions.map((prepared) => submitOne(draft, entry, prepared, decideDedup));
  await writeDraft(sql, draft);
  return results;
}

/** What submissions meet: jobs with their ids, and holders of their keys. */
class Entry {
  readonly #draft: Draft;
  /** By id or alias. */
  readonly #known = new Map<string, number>();
  readonly #holders = new Map<string, number>();
  /** Keys of which a job runs. */
  readonly #running: ReadonlySet<string>;
  readonly #numbers: number[];
  readonly #groupOf: (job: PreparedSubmission["submission"]["job"]) => number;

  constructor(
    draft: Draft,
    rows: Readonly<Record<"known" | "holders" | "running" | "numbers", Rows>>,
    groupOf: (job: PreparedSubmission["submission"]["job"]) => number,
  ) {
    this.#draft = draft;
    this.#groupOf = groupOf;
    const load = (row: Rows[number]): number => {
      const stored = storedJobOf(row);
      draft.load(stored);
      return stored.row.number;
    };
    for (const row of rows.known) {
      const asked = fromColumn(String(row["asked"]));
      // An id comes before an alias.
      if (!this.#known.has(asked)) this.#known.set(asked, load(row));
    }
    for (const row of rows.holders) this.#holders.set(fromColumn(String(row["held"])), load(row));
    this.#running = new Set(rows.running.map(({ key }) => fromColumn(String(key))));
    this.#numbers = rows.numbers.map(({ number }) => Number(number));
  }

  known(id: string): StoredJob | undefined {
    return this.#current(this.#known.get(id));
  }

  holder(key: string | undefined): StoredJob | undefined {
    return key === undefined ? undefined : this.#current(this.#holders.get(key));
  }

  #current(number: number | undefined): StoredJob | undefined {
    return number === undefined ? undefined : this.#draft.current(number);
  }

  insert(prepared: PreparedSubmission): JobRecord {
    const { job } = prepared.submission;
    const number = this.#numbers.shift();
    assert(number !== undefined, "there are as many numbers as submissions");
    const isKeyRunning = job.key !== undefined && this.#running.has(job.key);
    const record = this.#draft.insert(prepared, { number, group: this.#groupOf(job), isKeyRunning });
    this.#known.set(job.id, number);
    if (job.key !== undefined) this.#holders.set(job.key, number);
    return record;
  }

  addAlias(alias: string, { row }: StoredJob): void {
    this.#draft.aliases.set(alias, row.number);
    this.#known.set(alias, row.number);
  }
}

type EntryRead = "known" | "holders" | "running" | "groups" | "numbers";

async function openEntry(
  sql: Sql,
  draft: Draft,
  submissions: readonly PreparedSubmission[],
  moreIds: readonly string[],
): Promise<Entry> {
  const jobs = submissions.map(({ submission }) => submission.job);
  const reading = new Reading<EntryRead>();
  addJobsById(reading, "known", [...jobs.map(({ id }) => id), ...moreIds]);
  const keys = [...new Set(jobs.flatMap(({ key }) => key ?? []))].map((key) => toColumn(key));
  if (keys.length > 0) {
    const wanted = reading.value(keys, "text[]");
    reading.add(
      "holders",
      `SELECT h.key AS held, r.* FROM key_holders h JOIN job_rows r ON r.number = h.job WHERE h.key = ANY (${wanted})`,
    );
    reading.add("running", `SELECT DISTINCT key FROM jobs WHERE state = 'running' AND key = ANY (${wanted})`);
  }
  addGroups(reading, "groups", jobs);
  reading.add(
    "numbers",
    `SELECT nextval('job_numbers') AS number FROM generate_series(1, ${reading.value(jobs.length, "bigint")})`,
  );
  const rows = await reading.read(sql);
  return new Entry(draft, rows, await groupsOf(sql, jobs, rows.groups));
}

function submitOne(
  draft: Draft,
  entry: Entry,
  prepared: PreparedSubmission,
  decideDedup: DecideDedup,
): SubmitResult {
  const { job, rememberAlias, submittedAt } = prepared.submission;
  const known = entry.known(job.id);
  if (known !== undefined) return { kind: "deduplicated", record: known.record };
  const holder = entry.holder(job.key);
  if (holder === undefined) return { kind: "accepted", record: entry.insert(prepared), replaced: null };
  switch (decideDedup(job, holder.record)) {
    case "coalesce":
      if (rememberAlias) entry.addAlias(job.id, holder);
      return { kind: "deduplicated", record: holder.record };
    case "reject":
      return { kind: "rejected", holder: holder.record };
    case "replace": {
      const reason = supersededReason(job.id);
      draft.apply(holder.row.number, { type: "request_cancel", reason, at: submittedAt });
      // If the holder still runs, this takes the key from it.
      return { kind: "accepted", record: entry.insert(prepared), replaced: holder.row.id };
    }
  }
}

export async function replay(
  sql: Sql,
  deadJobId: string,
  prepared: PreparedSubmission,
): Promise<ReplayResult> {
  const draft = new Draft();
  const entry = await openEntry(sql, draft, [prepared], [deadJobId]);
  const dead = entry.known(deadJobId);
  if (dead?.record.state.kind !== "dead") return { kind: "not_dead" };
  const { replayedAs } = dead.record.state;
  if (replayedAs !== null) {
    // The earlier replay may have ended and been deleted since; the dead letter still counts as replayed.
    const reading = new Reading<"earlier">();
    addJobsById(reading, "earlier", [replayedAs]);
    const [row] = (await reading.read(sql)).earlier;
    return row === undefined ? { kind: "not_dead" } : { kind: "already", record: storedJobOf(row).record };
  }
  const { job } = prepared.submission;
  const holder = entry.holder(job.key);
  if (holder !== undefined) return { kind: "held", holder: holder.record };
  if (entry.known(job.id) !== undefined) throw idTaken(job.id);
  const record = entry.insert(prepared);
  draft.apply(dead.row.number, { type: "mark_replayed", replayedAs: job.id });
  await writeDraft(sql, draft);
  return { kind: "accepted", record };
}
