/** A part of the log of an attempt, by offset. */
import {
  AgentCoreError,
  ignore,
  isMissing,
  openPlacedFile,
  type LogChunkDocument,
} from "@agentcore/contract";
import type { LogRequest } from "@agentcore/api";
import type { JobStore } from "@agentcore/scheduler";
import { findAttemptDirectory } from "@agentcore/worker-kit";
import { join } from "node:path";

/** Throws `AC_JOB_NOT_FOUND`. An attempt that has written nothing has an empty log. */
export async function readLogChunk(
  { jobId, attempt: asked, stream, offset, limit }: LogRequest,
  {
    store,
    attemptsDir,
  }: { readonly store: Pick<JobStore, "get" | "attempts">; readonly attemptsDir: string },
): Promise<LogChunkDocument> {
  const record = await store.get(jobId);
  if (record === undefined) throw new AgentCoreError("AC_JOB_NOT_FOUND", `no job has the id ${jobId}`);
  const { id } = record.job;
  const attempt = asked ?? record.attempt;
  const facts = (await store.attempts(id)).find((one) => one.attempt === attempt);
  const ended = facts === undefined ? attempt <= record.attempt : facts.endedAt !== null;
  const permitId = facts?.started?.permit.id ?? "";
  const directory = await findAttemptDirectory(attemptsDir, { jobId: id, attempt, permitId });
  const { bytes, from, size } = await readPart(join(directory, `${stream}.log`), offset, limit);
  const whole = ended && from + bytes.length >= size ? bytes : bytes.subarray(0, wholeCharacters(bytes));
  const place = { offset: from, nextOffset: from + whole.length, sizeBytes: size };
  return { type: "log", jobId: id, attempt, stream, ...place, ended, text: whole.toString("utf8") };
}

async function readPart(path: string, offset: number, limit: number) {
  try {
    const file = await openPlacedFile(path);
    try {
      const { size } = await file.stat();
      const from = offset < 0 ? Math.max(0, size + offset) : Math.min(offset, size);
      const bytes = Buffer.alloc(Math.min(limit, size - from));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      return { bytes: bytes.subarray(0, bytesRead), from, size };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
    ignore(error, "nothing has been written yet");
    return { bytes: Buffer.alloc(0), from: 0, size: 0 };
  }
}

/** Bytes up to the last character that is complete: the rest of it comes with the next chunk. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
