/** Real processes on one database: several at once, killed, and a server that is killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { patienceMs, seededRandom, testSeed, until } from "@agentcore/contract/testing";
import type { JobStore } from "@agentcore/scheduler";
import {
  byJobDedup,
  claimRequest,
  succeed,
  testJob,
  testOwner,
  testSubmission,
} from "@agentcore/scheduler/testing";
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished } from "vitest";
import { type PostgresStore, openPostgresStore } from "../store/postgres-store.ts";
import { type TestPostgres, startPostgres } from "../testing/index.ts";
import type { JobFact } from "../testing/job-process.ts";
import { queueFlaws } from "../testing/queue-flaws.ts";
import { createPostgresJobStore } from "./postgres-job-store.ts";

let server: TestPostgres;
const children = new Set<ChildProcess>();
beforeAll(async () => {
  server = await startPostgres();
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
});
afterAll(() => server.stop());

const program = fileURLToPath(new URL("../testing/job-process.ts", import.meta.url));

/** `facts` grows with what the process says. A line that a kill cut off is omitted. */
function start(mode: string, url: string, name: string) {
  const child = spawn(process.execPath, ["--conditions=@agentcore/source", program, mode, url, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  const facts: JobFact[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    facts.push(...lines.map((line) => JSON.parse(line) as JobFact));
  });
  return { child, facts, closed: once(child, "close") as Promise<[number | null]> };
}

async function openNew(): Promise<{ url: string; store: PostgresStore; jobs: JobStore }> {
  const url = await server.newDatabase();
  const store = await openPostgresStore({ url });
  onTestFinished(() => store.close());
  return { url, store, jobs: createPostgresJobStore(store) };
}

const factsOf = (facts: readonly JobFact[], wanted: JobFact["what"]): readonly string[] =>
  facts.filter(({ what }) => what === wanted).map(({ id }) => id);

/** Brings what a crash left to its end, as restarted schedulers would. */
async function finish(jobs: JobStore): Promise<void> {
  await jobs.registerOwner(testOwner("heir"));
  for (const { owner, beat } of await jobs.owners()) {
    const moved = await jobs.takeOver({ from: owner, to: "heir", beat, at: 1 });
    await jobs.settleAndClaim(moved.map(succeed));
  }
  for (;;) {
    const claimed = await jobs.claim(claimRequest("heir", 50));
    if (claimed.length === 0) return;
    await jobs.settleAndClaim(claimed.map(succeed));
  }
}

it(
  "six processes take 400 jobs, each once, and never more of a workspace than allowed",
  async () => {
    const { url, store, jobs } = await openNew();
    const submissions = Array.from({ length: 400 }, (_, index) =>
      testSubmission(testJob(), { concurrencyKey: index % 4 === 0 ? null : `/w/${index % 7}` }),
    );
    await jobs.submit(submissions, byJobDedup);
    const claimers = Array.from({ length: 6 }, (_, index) => start("2", url, `process-${index}`));
    let seen = 0;
    const most = () =>
      store.read(async (sql) => {
        const row = await sql.get(
          `SELECT coalesce(max(jobs), 0) AS most FROM (
             SELECT count(*) AS jobs FROM jobs WHERE state = 'running' AND workspace IS NOT NULL GROUP BY workspace) w`,
        );
        return Number(row?.["most"]);
      });
    const isOver = Promise.all(claimers.map(({ closed }) => closed)).then(() => true);
    while (!(await Promise.race([isOver, most().then((found) => void (seen = Math.max(seen, found)))])));
    expect(seen).toBe(2);
    for (const { closed } of claimers) expect((await closed)[0]).toBe(0);
    const claimed = claimers.flatMap(({ facts }) => factsOf(facts, "claimed"));
    expect(claimed.toSorted()).toEqual(submissions.map(({ job }) => job.id).toSorted());
    expect(claimers.map(({ facts }) => facts.length > 0)).toEqual(claimers.map(() => true));
    expect(await jobs.stats(1)).toMatchObject({ ready: 0, running: 0, succeeded: 400 });
    expect(await queueFlaws(store)).toEqual([]);
  },
  patienceMs(60_000),
);

it(
  "kill -9 of processes that submit, claim and settle loses nothing that was acknowledged, and doubles nothing",
  async () => {
    const { url, store, jobs } = await openNew();
    const random = seededRandom(testSeed("killed processes on PostgreSQL"));
    const facts: JobFact[] = [];
    for (let round = 0; round < 3; round += 1) {
      const pair = ["one", "two"].map((name) => start("work", url, `${name}-${round}`));
      const goals = pair.map(() => 20 + Math.floor(random.next() * 60));
      await Promise.all(
        pair.map(async ({ child, facts: said, closed }, index) => {
          await until(() => said.length >= goals[index]!);
          child.kill("SIGKILL");
          await closed;
        }),
      );
      facts.push(...pair.flatMap((one) => one.facts));
      expect(await queueFlaws(store)).toEqual([]);
    }
    const settled = factsOf(facts, "settled");
    const ended = await jobs.ended(settled);
    expect(ended.map(({ state }) => state.kind)).toEqual(settled.map(() => "succeeded"));
    await finish(jobs);
    const all = await Promise.all(factsOf(facts, "submitted").map((id) => jobs.get(id)));
    expect(all.map((record) => [record?.state.kind, record?.attempt])).toEqual(
      all.map(() => ["succeeded", 1]),
    );
    expect(new Set(factsOf(facts, "claimed")).size).toBe(factsOf(facts, "claimed").length);
    expect(await queueFlaws(store)).toEqual([]);
  },
  patienceMs(60_000),
);

it(
  "a server that is killed under load loses no acknowledged write and doubles none",
  async () => {
    const { url, jobs, store } = await openNew();
    const other = await openPostgresStore({ url });
    onTestFinished(() => other.close());
    const hosts = [jobs, createPostgresJobStore(other)];
    const facts: JobFact[] = [];
    const over = new AbortController();
    const load = hosts.map(async (host, index) => {
      const owner = `host-${index}`;
      await host.registerOwner(testOwner(owner));
      for (let round = 0; !over.signal.aborted; round += 1) {
        const batch = [0, 1].map((number) =>
          testJob({ id: `${owner}-${round}-${number}`, key: `${owner}-${round}` }),
        );
        const submissions = batch.map((job) => testSubmission(job));
        const answers = await host.submit(submissions, byJobDedup);
        expect(answers.map(({ kind }) => kind)).toEqual(["accepted", "deduplicated"]);
        const write = { stream: `${owner}-${round}`, after: 0, entries: ["begun"], header: {} };
        const piece = testJob({ id: `${owner}-${round}-piece` });
        expect(await host.appendAndSubmit(write, [testSubmission(piece)], byJobDedup)).toMatchObject([
          { kind: "accepted" },
        ]);
        for (const { id } of [batch[0]!, piece]) facts.push({ what: "submitted", id });
        const claimed = await host.claim(claimRequest(owner, 2));
        facts.push(...claimed.map(({ job }): JobFact => ({ what: "claimed", id: job.id })));
        const { settled } = await host.settleAndClaim(claimed.map(succeed));
        expect(settled.map(({ applied }) => applied)).toEqual(claimed.map(() => "applied"));
        facts.push(...claimed.map(({ job }): JobFact => ({ what: "settled", id: job.id })));
      }
    });
    const random = seededRandom(testSeed("kills of PostgreSQL under jobs"));
    for (let kills = 0; kills < 3; kills += 1) {
      const goal = facts.length + 10 + Math.floor(random.next() * 30);
      await until(() => facts.length >= goal);
      await server.kill();
      await server.start();
    }
    over.abort();
    await Promise.all(load);
    const claimed = factsOf(facts, "claimed");
    expect(new Set(claimed).size).toBe(claimed.length);
    await finish(jobs);
    const all = await Promise.all(factsOf(facts, "submitted").map((id) => jobs.get(id)));
    expect(all.map((record) => [record?.state.kind, record?.attempt])).toEqual(
      all.map(() => ["succeeded", 1]),
    );
    expect(await jobs.count({})).toBe(all.length);
    expect(await queueFlaws(store)).toEqual([]);
  },
  patienceMs(60_000),
);
