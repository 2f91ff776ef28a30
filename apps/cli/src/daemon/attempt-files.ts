/** Parts of the logs and artifacts of an attempt, by offset. No path comes from the caller. */
import type { ArtifactRequest, LogRequest } from "@agentcore/api";
import {
  AgentCoreError,
  ifMissing,
  isMissing,
  openPlacedFile,
  PlacedFileError,
  type ArtifactChunkDocument,
  type LogChunkDocument,
} from "@agentcore/contract";
import type { AttemptRecord, JobStore } from "@agentcore/scheduler";
import { findAttemptDirectory, openRegularFile } from "@agentcore/worker-kit";
import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { readPart } from "./file-part.ts";

export interface AttemptPlaces {
  readonly store: Pick<JobStore, "get" | "attempts" | "owners">;
  readonly attemptsDir: string;
  /** Whether other machines run jobs of the store. Default: false. */
  readonly isShared?: boolean;
}

/** Throws `AC_JOB_NOT_FOUND` and `AC_ATTEMPT_ELSEWHERE`. An attempt that has written nothing has an empty log. */
export async function readLogChunk(request: LogRequest, places: AttemptPlaces): Promise<LogChunkDocument> {
  const { stream, encoding, offset, limit } = request;
  const { id, attempt, facts, newest, directory } = await findAttempt(request, places);
  const ended = facts === undefined ? attempt <= newest : facts.endedAt !== null;
  const file = await openPlacedFile(join(directory, `${stream}.log`)).catch(fileProblem);
  const part = await readPart(file, { offset, limit, encoding, isComplete: ended });
  return { type: "log", jobId: id, attempt, stream, ended, encoding, ...part };
}

/** Null if there is no such file yet. */
function fileProblem(error: unknown): null {
  if (isMissing(error)) return null;
  if (error instanceof PlacedFileError) throw new AgentCoreError("AC_STORE_UNAVAILABLE", error.message);
  throw error;
}

/** Throws `AC_JOB_NOT_FOUND`, `AC_ATTEMPT_ELSEWHERE` and `AC_ARTIFACT_NOT_FOUND`. Opens only what the result of the attempt names. */
export async function readArtifactChunk(
  request: ArtifactRequest,
  places: AttemptPlaces,
): Promise<ArtifactChunkDocument> {
  const { name, kind, offset, limit } = request;
  const { id, attempt, facts, directory } = await findAttempt(request, places);
  const artifact = facts?.result?.artifacts.find(
    (each) => each.name === name && (kind === null || each.kind === kind),
  );
  if (artifact === undefined) throw notFound(`attempt ${attempt} of job ${id} has no artifact "${name}"`);
  const root = await realpath(directory).catch(ifMissing(null));
  const file = root === null ? null : await openRegularFile(artifact.path, root);
  if (file === null) {
    const text = `the artifact "${name}" of attempt ${attempt} of job ${id} is gone, or is no regular file in the directory of the attempt`;
    throw notFound(text);
  }
  const part = await readPart(file, { offset, limit, isComplete: true });
  return { type: "artifact", jobId: id, attempt, name, kind: artifact.kind, ...part };
}

const notFound = (text: string): AgentCoreError => new AgentCoreError("AC_ARTIFACT_NOT_FOUND", text);

async function findAttempt(
  { jobId, attempt: asked }: Pick<LogRequest, "jobId" | "attempt">,
  { store, attemptsDir, isShared = false }: AttemptPlaces,
) {
  const record = await store.get(jobId);
  if (record === undefined) throw new AgentCoreError("AC_JOB_NOT_FOUND", `no job has the id ${jobId}`);
  const { id } = record.job;
  const attempt = asked ?? record.attempt;
  const facts = (await store.attempts(id)).find((one) => one.attempt === attempt);
  const permitId = facts?.started?.permit.id ?? "";
  const directory = await findAttemptDirectory(attemptsDir, { jobId: id, attempt, permitId });
  if (isShared && facts !== undefined && !existsSync(directory)) await requireHere(id, facts, store);
  return { id, attempt, facts, newest: record.attempt, directory };
}

/** For an attempt without a directory: one that runs on this machine may have none yet. */
async function requireHere(
  id: string,
  { attempt, owner, endedAt }: AttemptRecord,
  store: AttemptPlaces["store"],
) {
  const { process } = (await store.owners()).find((each) => each.owner === owner) ?? { process: null };
  const host = process === null || process.host === hostname() ? null : process.host;
  if (host === null && endedAt === null) return;
  const ran =
    host === null ? "ran on another machine, or its files were deleted" : `is on the machine ${host}`;
  throw new AgentCoreError("AC_ATTEMPT_ELSEWHERE", `attempt ${attempt} of job ${id} ${ran}`, {
    evidence: { jobId: id, attempt, host },
  });
}
