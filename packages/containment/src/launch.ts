/**
 * Spawns a box and resolves when it waits for `go`. A failure before that is one typed error and leaves nothing behind.
 * Must run on the main thread: the kernel's parent-death signal, which all of this depends on, fires when the *thread* that
 * spawned the box ends, not the process.
 */
import { once } from "node:events";
import { spawn, type ChildProcess } from "node:child_process";
import type { Duplex, Readable, Writable } from "node:stream";
import { isMainThread } from "node:worker_threads";
import { AgentCoreError, ignore, loopWentRound, settledWithin, type Clock } from "@agentcore/contract";
import { afterLine, handshakeStart, type HandshakeState } from "./handshake.ts";
import { markerVariable, type ContainedCommand } from "./port.ts";
import { refusedSpawn } from "./refused-spawn.ts";
import { strayDescriptors, withoutStrays } from "./stray-descriptors.ts";

const readyWithinMs = 15_000;
/** A shell's message about a killed child is one line; anything longer is not from our script. */
const longestLine = 4_096;
const longestComplaint = 2_000;
const complaintWithinMs = 500;

/** A command line that builds the box and ends in a script of `handshake.ts`. */
export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
}

/** A box that waits for `go`. The process is the outermost one: the wrapper, or the payload itself if there is no wrapper. */
export interface Launched {
  readonly pid: number;
  /** The payload's pid in its own PID namespace, if there is one: the first process after the script. */
  readonly payloadInnermostPid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Sends `go`. */
  release(): void;
  /** Closes the line; a script that waits after its payload then exits. */
  hangUp(): void;
  /** Kills the outermost process. It is our child and not reaped yet, so the pid cannot have been reused. */
  killOutermost(): void;
  /** The script's message about the payload; never settles if the script is killed before. */
  readonly reported: Promise<{ status: number; bySignal: boolean }>;
  /** Resolves after the end of the outermost process and of the line, in either order. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

function refuseWorkerThread(): void {
  if (isMainThread) return;
  throw new AgentCoreError(
    "AC_WORKER_SPAWN",
    "a contained process must be started on the main thread: Linux kills it when the thread that started it ends. " +
      "Start it there, or in a child process",
  );
}

/** Resolves when the box waits for `go`. `onSpawned` is called much earlier, with the pid of the outermost process. */
export async function launch(
  line: CommandLine,
  command: ContainedCommand,
  clock: Clock,
  onSpawned: (pid: number) => void = () => {},
): Promise<Launched> {
  refuseWorkerThread();
  const child = spawnDetached(line, command);
  const refusal = refusedSpawn(child, line.file);
  if (refusal !== null) throw await refusal;
  onSpawned(child.pid as number);
  const watched = watchLine(child);
  const exit = exitOf(child);
  const complaint = collectComplaint(child.stderr as Readable, clock);
  // Also fails if the line closes first; the exit and stderr then have the reason.
  const settled = await settledWithin(
    clock,
    Promise.race([watched.ready, watched.closed, exit]),
    readyWithinMs,
  );
  // After a blocked event loop, the timer fires before the pipe is read: the message may already be there.
  if (!settled) await loopWentRound();
  const state = watched.state();
  if (state.phase !== "ready") {
    child.kill("SIGKILL");
    throw await startError({ line, child, exit, settled, complaint });
  }
  (child.stdio[4] as Duplex).end();
  const ended = Promise.all([exit, watched.closed]).then(([how]) => how.exit);
  return {
    pid: child.pid as number,
    payloadInnermostPid: (state.newestPid ?? 1) + 1,
    stdin: child.stdin as Writable,
    stdout: child.stdout as Readable,
    stderr: child.stdio[4] as Readable,
    release: () => watched.channel.write("go\n"),
    hangUp: () => watched.channel.end(),
    killOutermost: () => child.kill("SIGKILL"),
    reported: watched.reported,
    ended,
  };
}

function spawnDetached(box: CommandLine, command: ContainedCommand): ChildProcess {
  const line = withoutStrays(box, strayDescriptors());
  try {
    return spawn(line.file, line.args, {
      cwd: command.cwd,
      env: { ...command.env, [markerVariable]: command.marker },
      // Keeps the wrapper's messages (2) separate from the payload's output (4).
      stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
      // Its own session: no controlling terminal, and Ctrl-C reaches only this process.
      detached: true,
    });
  } catch (error) {
    throw new AgentCoreError("AC_WORKER_SPAWN", `cannot start ${line.file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

interface Exit {
  readonly exit: { code: number | null; signal: NodeJS.Signals | null };
  readonly error: Error | null;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ exit: { code, signal }, error: null }));
    child.once("error", (error) => resolve({ exit: { code: null, signal: null }, error }));
  });
}

function watchLine(child: ChildProcess) {
  const channel = child.stdio[3] as Duplex;
  const ready = Promise.withResolvers<void>();
  const reported = Promise.withResolvers<{ status: number; bySignal: boolean }>();
  const closed = Promise.withResolvers<void>();
  let state: HandshakeState = handshakeStart;
  let rest = "";
  channel.setEncoding("latin1");
  channel.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = (lines.pop() as string).slice(-longestLine);
    for (const text of lines) state = afterLine(state, text);
    if (state.phase !== "starting") ready.resolve();
    if (state.phase === "exited") reported.resolve({ status: state.status, bySignal: state.bySignal });
  });
  channel.on("error", (error) => ignore(error, "the box is gone; its exit says how"));
  channel.once("close", () => closed.resolve());
  // A payload that does not read its stdin is not our error, and must not end this process.
  child.stdin?.on("error", (error) => ignore(error, "the payload closed its stdin"));
  return {
    channel,
    state: () => state,
    ready: ready.promise,
    reported: reported.promise,
    closed: closed.promise,
  };
}

interface FailedStart {
  readonly line: CommandLine;
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  /** False if the time ran out. */
  readonly settled: boolean;
  readonly complaint: () => Promise<string>;
}

async function startError({ line, child, exit, settled, complaint }: FailedStart): Promise<AgentCoreError> {
  const how = await exit;
  const said = how.error === null ? await complaint() : how.error.message;
  for (const stream of child.stdio) stream?.destroy();
  const what = settled
    ? `ended before it was ready (exit code ${how.exit.code ?? "none"}, signal ${how.exit.signal ?? "none"})`
    : `was not ready within ${readyWithinMs} ms`;
  return new AgentCoreError("AC_WORKER_SPAWN", `${line.file} ${what}: ${said || "no message"}`, {
    evidence: { program: line.file, exitCode: how.exit.code, signal: how.exit.signal, message: said },
    ...(how.error !== null && { cause: how.error }),
  });
}

/**
 * Collects the beginning of the box's output for an error message. Listens from the start, because Node discards unread
 * output when a process exits. The wait is limited, because another process may still hold the other end.
 */
function collectComplaint(stderr: Readable, clock: Clock): () => Promise<string> {
  let text = "";
  stderr.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(0, longestComplaint);
  });
  const closed = once(stderr, "close");
  return async () => {
    await settledWithin(clock, closed, complaintWithinMs);
    return text.trim();
  };
}
