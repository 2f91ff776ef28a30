/** Finds the job that a person names, and names jobs for people. */
import { AgentCoreError } from "@agentcore/contract";
import type { JobQuery } from "@agentcore/scheduler";
import { afterPrefix, findId, type IdSource } from "../queue/find-id.ts";
import { lastWord } from "../queue/id-words.ts";
import type { JobFacts } from "../screen/job-screen.ts";
import { isGeneratedId, shortId, shortIdChars, shortIdsAmong } from "../screen/short-id.ts";
import type { TargetJobs } from "./target.ts";

/** As `findJob`. For `@last`, throws `AC_USAGE` if a run or submit was refused since the newest job. */
export async function findNamedJob(jobs: TargetJobs, text: string): Promise<JobFacts> {
  const refusal = text === lastWord ? jobs.lastRefusal() : null;
  if (refusal === null) return findJob(jobs, text);
  const isStored = refusal.jobId !== null && (await jobs.get(refusal.jobId)) !== undefined;
  if (isStored) return findJob(jobs, text);
  const id = await newestJob(jobs);
  const newest = id === undefined ? undefined : await jobs.get(id);
  if (newest !== undefined && newest.submittedAt >= refusal.at) return newest;
  const { command, code, message } = refusal;
  const older = newest === undefined ? "there is no other job" : `the newest job is ${shortId(newest.id)}`;
  throw new AgentCoreError(
    "AC_USAGE",
    `the last ${command} was refused, so there is no job of it: ${message} (${code}); ${older}`,
    { evidence: { ...refusal } },
  );
}

/** The job with that id, short id or beginning of an id, or the newest for `@last`. Throws `AC_JOB_NOT_FOUND`. */
export async function findJob(jobs: TargetJobs, text: string): Promise<JobFacts> {
  const exact = await jobs.get(text);
  if (exact !== undefined) return exact;
  const found = await findId(text, jobIds(jobs));
  const job = "id" in found ? await jobs.get(found.id) : undefined;
  if (job !== undefined) return job;
  const problem = "id" in found ? `there is no job "${found.id}"` : found.problem;
  throw new AgentCoreError("AC_JOB_NOT_FOUND", problem, { evidence: { jobId: text } });
}

/** The id below which the next page begins; that job may be deleted meanwhile. */
export async function cursorOf(jobs: TargetJobs, before: string | undefined): Promise<string | undefined> {
  return before === undefined || isGeneratedId(before) ? before : (await findJob(jobs, before)).id;
}

function jobIds(jobs: TargetJobs): IdSource {
  const listed = async (query: JobQuery): Promise<readonly string[]> =>
    (await jobs.list(query)).jobs.map(({ id }) => id);
  return {
    what: "job",
    exact: async (text) => (await jobs.get(text))?.id,
    beginning: async (text, limit) =>
      (await listed({ before: afterPrefix(text), limit })).filter((id) => id.startsWith(text)),
    ending: (text, limit) => listed({ idEndings: [text], limit }),
    newest: () => newestJob(jobs),
    none: async () =>
      (await listed({ limit: 1 })).length === 0
        ? "there is no job yet"
        : "there is no job yet apart from those of workflow runs: `agentcore jobs list --all` shows them, and `agentcore workflow show @last` the newest run",
    recent: () => listed({}),
  };
}

/** Lists are by id, and a caller may choose an id; so the one that was submitted last is looked for by its time. */
async function newestJob(jobs: TargetJobs): Promise<string | undefined> {
  let newest: JobFacts | undefined;
  for (;;) {
    const after = newest === undefined ? {} : { submittedAfter: newest.submittedAt + 1 };
    const page = await jobs.list({ ...after, notPieces: true, limit: 1000 });
    if (page.jobs.length === 0) return newest?.id;
    newest = page.jobs.reduce((one, other) => (other.submittedAt > one.submittedAt ? other : one));
  }
}

/** Names jobs by short ids that fit no other job of the state directory. */
export async function namesOf(
  jobs: Pick<TargetJobs, "list">,
  shown: readonly JobFacts[],
): Promise<(id: string) => string> {
  const ids = shown.map(({ id }) => id);
  const others: string[] = [];
  for (let at = 0; at < ids.length; at += namedAtOnce) {
    const idEndings = ids.slice(at, at + namedAtOnce).map((id) => id.slice(-shortIdChars));
    const alike = await jobs.list({ idEndings, limit: 2 * namedAtOnce });
    others.push(...alike.jobs.map(({ id }) => id));
  }
  return shortIdsAmong([...others, ...ids]);
}

/** The names of so many fit into a URL. */
const namedAtOnce = 400;
