/** Converts the end of a process into the form that the verdict takes. */
import { constants } from "node:os";
import type { WorkerExit } from "../verdict.ts";

/** Signals for which an exit code `128 + n` counts as a signal: those that end a process from outside, or by a crash. */
const signalNames = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGILL",
  "SIGTRAP",
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGKILL",
  "SIGSEGV",
  "SIGPIPE",
  "SIGALRM",
  "SIGTERM",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGSYS",
] as const;

const signalOfCode = new Map<number, string>(
  signalNames.map((name) => [128 + constants.signals[name], name]),
);

/** A shell, or an init, reports a signal n as exit code `128 + n`; many programs do it themselves. */
export function exitOf(exit: {
  readonly code: number | null;
  readonly signal: string | null;
}): Exclude<WorkerExit, { kind: "not_started" }> {
  if (exit.signal !== null) return { kind: "signaled", signal: usualNames[exit.signal] ?? exit.signal };
  if (exit.code === null) return { kind: "signaled", signal: "an unknown signal" };
  const signal = signalOfCode.get(exit.code);
  return signal === undefined ? { kind: "exited", code: exit.code } : { kind: "signaled", signal };
}

/** Signals that have two names. */
const usualNames: Readonly<Record<string, string>> = {
  SIGIOT: "SIGABRT",
  SIGPOLL: "SIGIO",
  SIGUNUSED: "SIGSYS",
};
