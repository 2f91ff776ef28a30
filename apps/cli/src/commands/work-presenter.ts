/** Shows what `work` does: JSON events, lines, or a live screen on a terminal. */
import { systemClock, type Clock, type RunEvent } from "@agentcore/contract";
import type { Scheduler } from "@agentcore/scheduler";
import type { Io } from "../io.ts";
import { eventLines } from "../present/event-lines.ts";
import { plainScreen } from "../screen/terminal.ts";
import { WorkLive, workFrame, workSummary } from "../screen/work-live.ts";
import { waitLine, workLine } from "../screen/work-screen.ts";
import { heldOutput } from "../workflow/live/held-output.ts";
import { canBeLive } from "../workflow/live/live-presenter.ts";
import { openLiveTerminal, type LiveTerminal } from "../workflow/live/live-terminal.ts";

export interface WorkPresenter {
  /** Takes the place of the process's stderr, which would appear in the middle of a live screen. */
  readonly stderr: { write(text: string): void };
  event(event: RunEvent): void;
  /** Why nothing starts. */
  wait(text: string): void;
  /** A sentence that is not part of the output proper. */
  remark(text: string): void;
  /** Begins to show; until then, events are only noted. */
  open(scheduler: Pick<Scheduler, "stats">): void;
  /** Restores the terminal. Idempotent. */
  close(): void;
}

export function workPresenter(
  { json, plain }: { readonly json?: boolean; readonly plain?: boolean },
  io: Io,
): WorkPresenter {
  if (json === true) return workJson(io);
  return plain === true || !canBeLive(io) ? workLines(io) : workLive(io);
}

function workJson(io: Io): WorkPresenter {
  const lines = eventLines<RunEvent>(io.stdout, ({ type }) => type === "worker_event");
  return { ...silent(io), event: (event) => lines.write(event), wait: () => {} };
}

function workLines(io: Io): WorkPresenter {
  const screen = plainScreen(io.stdout);
  return {
    ...silent(io),
    event: (event) => {
      const line = workLine(event);
      if (line !== null) screen.print([line]);
    },
    wait: (text) => screen.print([waitLine(systemClock.now(), text)]),
  };
}

function silent(io: Io): Pick<WorkPresenter, "stderr" | "remark" | "open" | "close"> {
  return {
    stderr: io.stderr,
    remark: (text) => io.stderr.write(`agentcore: ${text}\n`),
    open: () => {},
    close: () => {},
  };
}

const statsEveryMs = 500;

function workLive(io: Io): WorkPresenter {
  const live = new WorkLive();
  const lines = workLines(io);
  const stderr = heldOutput((text) => io.stderr.write(text));
  const startedAt = systemClock.now();
  let terminal: LiveTerminal | undefined;
  let stopAsking: (() => void) | undefined;
  /** Back to lines, without an end of the work. */
  const leave = (): void => {
    if (terminal === undefined) return;
    terminal.close();
    terminal = undefined;
    stopAsking?.();
    plainScreen(io.stdout).print(live.recent);
    stderr.release();
  };
  let isOpen = false;
  return {
    stderr,
    event: (event) => {
      live.apply(event);
      if (terminal === undefined) lines.event(event);
    },
    wait: (text) => {
      const line = waitLine(systemClock.now(), text);
      if (terminal === undefined) lines.wait(text);
      else live.note(line);
    },
    remark: (text) => {
      if (terminal === undefined) lines.remark(text);
      else live.remark = text;
    },
    open: (scheduler) => {
      isOpen = true;
      stderr.hold();
      stopAsking = askRegularly(scheduler, live, systemClock);
      terminal = openLiveTerminal({
        stdin: io.stdin,
        stdout: io.stdout,
        clock: systemClock,
        frame: (size) => workFrame(live, systemClock.now(), size),
        onPress: (press) => {
          if (press === "lines") leave();
          else if (press === "interrupt") process.kill(process.pid, "SIGINT");
        },
      });
    },
    close: () => {
      leave();
      if (!isOpen) return;
      isOpen = false;
      plainScreen(io.stdout).print(workSummary(live, startedAt, systemClock.now()));
    },
  };
}

/** Returns a function that stops it. */
function askRegularly(
  scheduler: Pick<Scheduler, "stats">,
  live: WorkLive,
  clock: Pick<Clock, "setTimer">,
): () => void {
  let isOn = true;
  const ask = async (): Promise<void> => {
    live.stats = await scheduler.stats();
  };
  // The scheduler reports a store that does not answer.
  const again = (): void => void ask().then(wait, wait);
  const wait = (): void => {
    if (isOn) timer = clock.setTimer(statsEveryMs, again);
  };
  let timer = clock.setTimer(0, again);
  return () => {
    isOn = false;
    timer.cancel();
  };
}
