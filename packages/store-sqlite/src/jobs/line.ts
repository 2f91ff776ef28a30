/** Lines: what a claim takes or excludes alike. */
import { ignore, type Job, type Priority } from "@agentcore/contract";
import { runOfPiece, type ClaimFilter } from "@agentcore/scheduler";

export interface Line {
  readonly tenant: string;
  readonly worker: string;
  readonly model: string | null;
  readonly class: Priority["class"];
  /** Pieces of workflow runs: only a claim that names them takes them, and no figure of the queue counts them. */
  readonly isPiece: boolean;
}

/** The text under which a line is stored; `''` stands for no tenant. */
export function lineOf(job: Job): string {
  const { task, context, priority } = job;
  const line = [context.tenant ?? "", task.worker, task.model ?? null, priority.class];
  return JSON.stringify(runOfPiece(job) === null ? line : [...line, "piece"]);
}

/** SQL that holds for the lines of jobs that are no pieces. */
export const notPieceLine = (line: string): string => `json_array_length(${line}) = 4`;

/** Lines already taken apart: there are few, and each claim sees them again. */
const parsedLines = new Map<string, Line>();
const parsedLinesMax = 1000;

export function parseLine(line: string): Line {
  const known = parsedLines.get(line);
  if (known !== undefined) return known;
  const parsed = lineFrom(partsOf(line));
  if (parsedLines.size >= parsedLinesMax) parsedLines.clear();
  parsedLines.set(line, parsed);
  return parsed;
}

type Parts = readonly [string, string, string | null, Priority["class"], "piece"?];

const unreadable: Parts = ["", "", null, "batch"];

/** A line that is none is one of its own, of no worker. */
function partsOf(line: string): Parts {
  try {
    const parts: unknown = JSON.parse(line);
    return Array.isArray(parts) && parts.length >= unreadable.length
      ? (parts as unknown as Parts)
      : unreadable;
  } catch (error) {
    ignore(error, "its jobs are told as unreadable when they are met");
    return unreadable;
  }
}

function lineFrom([tenant, worker, model, priorityClass, piece]: Parts): Line {
  return { tenant, worker, model, class: priorityClass, isPiece: piece !== undefined };
}

export function isExcluded(line: Line, { workers, models, tenants, classes }: ClaimFilter): boolean {
  return (
    workers.includes(line.worker) ||
    tenants.includes(line.tenant) ||
    classes.includes(line.class) ||
    models.some(({ worker, model }) => worker === line.worker && model === line.model)
  );
}
