/**
 * Presents a run on a terminal: the live screen during the run, the summary at its end. `q` switches to plain lines; so
 * does any terminal that cannot show a screen.
 */
import { ifMissing, systemClock } from "@agentcore/contract";
import type { WorkflowEvent } from "@agentcore/workflow";
import { readFileSync } from "node:fs";
import type { Io } from "../../io.ts";
import type { WorkflowPresenter } from "../workflow-presenter.ts";
import type { HeldOutput } from "./held-output.ts";
import { liveFrame } from "./live-frame.ts";
import { LiveRun, type LiveRunOptions } from "./live-run.ts";
import { openLiveTerminal, type LiveTerminal } from "./live-terminal.ts";

/** Whether this process may use the whole screen: a terminal that moves its cursor, large enough, and in the foreground. */
export function canBeLive({ stdout, env }: Pick<Io, "stdout" | "env">): boolean {
  const { isTTY, columns = 0, rows = 0 } = stdout.stream;
  if (isTTY !== true || columns < 20 || rows < 5) return false;
  const { TERM: term = "" } = env;
  return term !== "" && term !== "dumb" && isInForeground(readOwnStat());
}

/** The shell would stop a background job that reads the keyboard. `stat`: text of /proc/self/stat. */
export function isInForeground(stat: string | null): boolean {
  if (stat === null) return true;
  // The program's name, in parentheses, may contain anything. After it: state, ppid, pgrp, session, tty, tpgid.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group === foreground;
}

function readOwnStat(): string | null {
  try {
    return readFileSync("/proc/self/stat", "utf8");
  } catch (error) {
    return ifMissing(null)(error);
  }
}

export function workflowLive(
  io: Pick<Io, "stdin" | "stdout" | "stderr">,
  options: LiveRunOptions,
  /** Would appear in the middle of the screen if it were written meanwhile. */
  stderr: Pick<HeldOutput, "hold" | "release">,
  /** Shows the run once the screen is closed. */
  lines: WorkflowPresenter,
): WorkflowPresenter {
  const live = new LiveRun(options);
  let state: "before" | "live" | "lines" = "before";
  let terminal: LiveTerminal | undefined;
  /** Shown on the screen for a moment only, so they are repeated at the end. */
  const warnings: WorkflowEvent[] = [];
  const close = (): void => {
    state = "lines";
    terminal?.close();
    stderr.release();
  };
  const open = (): void => {
    if (state !== "before") return;
    state = "live";
    stderr.hold();
    terminal = openLiveTerminal({
      stdin: io.stdin,
      stdout: io.stdout,
      clock: systemClock,
      frame: (size) => liveFrame(live, systemClock.now(), size),
      onPress: (press) => {
        if (press === "lines") close();
        else if (press === "interrupt") process.kill(process.pid, "SIGINT");
        else if (press !== "pause") live.press(press);
      },
    });
  };
  return {
    wantsChildren: true,
    event: (event: WorkflowEvent) => {
      if (state === "lines") return lines.event(event);
      live.apply(event);
      if (event.type === "notification_failed") warnings.push(event);
      // Not immediately: by then, the caller that starts the run listens for signals.
      if (event.type === "run_started") setImmediate(open);
    },
    end: (result) => {
      close();
      for (const warning of warnings) lines.event(warning);
      lines.end(result);
    },
    remark: (text) => {
      if (state === "live") live.remark = text;
      else lines.remark(text);
    },
    close,
  };
}
