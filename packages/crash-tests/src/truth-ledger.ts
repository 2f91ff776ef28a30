/**
 * What really happened, written by the workers themselves. Every worker runs under a small shell program that takes a lock
 * on its job's file, which the kernel lets go when the last process of the attempt that holds it is dead, and notes on
 * disk that it was entered, left, or found the lock taken. Nothing here asks the system under test.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One attempt as its worker saw it. */
export interface TrueAttempt {
  readonly attempt: number;
  readonly run: string;
  readonly startedAt: number;
  /** Last sign of life: its end, or the last thing that it noted before it was killed. */
  readonly lastSeenAt: number;
  /** It came to its end by itself. */
  readonly ended: boolean;
  readonly costUsd: number;
}

export interface TrueJob {
  /** In the order in which they were entered. */
  readonly attempts: readonly TrueAttempt[];
  /** Attempts that found another attempt of the job alive. */
  readonly overlaps: number;
}

/** `enter JOB-DIRECTORY COMMAND…`: descriptor 9 carries the lock and is handed on to every process of the attempt. */
const enterProgram = `#!/bin/sh
dir=$1; shift
note() {
  printf '{"event":"%s","at":%s,"attempt":%s,"run":"%s"}\\n' "$1" "$(date +%s%3N)" "$AGENTCORE_ATTEMPT" "$AGENTCORE_RUN_ID" |
    dd of="$dir/attempts.jsonl" oflag=append conv=notrunc,fsync status=none
}
exec 9>>"$dir/lock"
flock -n 9 || note overlap
note enter
"$@"
code=$?
note leave
exit $code
`;

/** Writes the program into the directory and answers its path. */
export function writeEnterProgram(directory: string): string {
  const path = join(directory, "enter");
  writeFileSync(path, enterProgram, { mode: 0o755 });
  return path;
}

/** A job's own directory: its workspace, and the place of its ledger. */
export function makeJobDirectory(root: string, jobId: string): string {
  const directory = join(root, "jobs", jobId);
  mkdirSync(directory, { recursive: true });
  return directory;
}

interface Noted {
  readonly event: string;
  readonly at: number;
  readonly attempt?: number;
  readonly run?: string;
  readonly runId?: string;
  readonly usd?: number;
}

export function readTrueJob(directory: string): TrueJob {
  const noted = notesOf(join(directory, "attempts.jsonl"));
  // The fake agent chooses the name of its ledger.
  const agentLedger = readdirSync(directory).find((name) => /^ledger-.*\.jsonl$/.test(name));
  const agentNotes = attribute(agentLedger === undefined ? [] : notesOf(join(directory, agentLedger)));
  const entered = noted.filter(({ event }) => event === "enter");
  const attempts = entered.map(({ run = "", attempt = 0, at }): TrueAttempt => {
    const left = noted.find((note) => note.event === "leave" && note.run === run);
    const own = agentNotes.get(run) ?? [];
    return {
      attempt,
      run,
      startedAt: at,
      lastSeenAt: Math.max(at, left?.at ?? 0, ...own.map((note) => note.at)),
      ended: left !== undefined,
      costUsd: own.reduce((sum, { usd = 0 }) => sum + usd, 0),
    };
  });
  return { attempts, overlaps: noted.filter(({ event }) => event === "overlap").length };
}

/** The fake agent names its run when it starts; what follows is its own, since no two attempts run at once. */
function attribute(notes: readonly Noted[]): Map<string, Noted[]> {
  const byRun = new Map<string, Noted[]>();
  let current: Noted[] = [];
  for (const note of notes) {
    if (note.event === "start") {
      current = [];
      byRun.set(note.runId ?? "", current);
    }
    current.push(note);
  }
  return byRun;
}

/** A last line without its end was cut off by a kill: it never happened. */
function notesOf(path: string): Noted[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Noted);
}
