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
import type { AttemptRecord, JobStore, OwnerRecord } from "@agentcore/scheduler";
import { findAttemptDirectory, openRegularFile } from "@agentcore/worker-kit";
import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { readPart } from "./file-part.ts";

export interface AttemptPlaces {
  readonly store: Pick<JobStore, "get" | "attempts" | "owners">;
  readonly attemptsDir: string;
  /** The machine and the state directory of `attemptsDir`, where other machines run jobs of the store. */
  readonly place?: string;
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
  { store, attemptsDir, place }: AttemptPlaces,
) {
  const record = await store.get(jobId);
  if (record === undefined) throw new AgentCoreError("AC_JOB_NOT_FOUND", `no job has the id ${jobId}`);
  const { id } = record.job;
  const attempt = asked ?? record.attempt;
  const facts = (await store.attempts(id)).find((one) => one.attempt === attempt);
  const permitId = facts?.started?.permit.id ?? "";
  const directory = await findAttemptDirectory(attemptsDir, { jobId: id, attempt, permitId });
  if (place !== undefined && facts !== undefined && !existsSync(directory))
    throwElsewhere(id, facts, place, await store.owners());
  return { id, attempt, facts, newest: record.attempt, directory };
}

/** For an attempt without a directory. One that runs here may have none yet, and then nothing is thrown. */
function throwElsewhere(
  jobId: string,
  { attempt, owner, endedAt }: AttemptRecord,
  place: string,
  owners: readonly OwnerRecord[],
): void {
  const known = owners.find((each) => each.owner === owner)?.process?.place ?? null;
  const other = known === place ? null : known;
  if (other === null && endedAt === null) return;
  const ran = other === null ? "ran elsewhere, or its files were deleted" : `is on ${other}`;
  throw new AgentCoreError("AC_ATTEMPT_ELSEWHERE", `attempt ${attempt} of job ${jobId} ${ran}`, {
    evidence: { jobId, attempt, place: other },
  });
}
