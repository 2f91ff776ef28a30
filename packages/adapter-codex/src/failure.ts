/**
 * Maps Codex's error messages to error classes. Codex prints no status field: the status is in the text, or (for server
 * errors and 400) missing.
 */
import type { WorkerError } from "@agentcore/contract";
import { parseJsonLine, providerError, stringAt } from "@agentcore/worker-kit";

/** The error behind a message of `turn.failed` or `error`. */
export function failureOf(message: string): WorkerError {
  const status = statusIn(message);
  if (status !== null) return providerError({ message, status });
  const body = message.startsWith("{") ? parseJsonLine(message) : null;
  // For status 400 only, Codex prints the provider's response body without a message.
  const words = stringAt(body, "error", "message");
  return words === null
    ? providerError({ message, status: null })
    : providerError({ message: words, status: 400 });
}

function statusIn(message: string): number | null {
  const status = /\bstatus:? ([1-5]\d{2})\b/.exec(message.slice(0, 500))?.[1];
  return status === undefined ? null : Number(status);
}

/** The error that Codex is about to retry, from `Reconnecting... 2/5 (…)`; null for any other message. */
export function reconnection(
  message: string,
): { readonly attempt: number; readonly error: WorkerError } | null {
  const match = /^Reconnecting\.\.\. (\d+)\/\d+(?: \(([\s\S]*)\))?$/.exec(message);
  if (match === null) return null;
  return { attempt: Number(match[1]), error: failureOf(match[2] ?? "connection lost") };
}

/** The refused tool in a line of stderr; null for any other line. Refusals are printed nowhere else. */
export function refusedTool(stderrLine: string): { readonly tool: string; readonly reason: string } | null {
  const reason = /tools::router: error=(.*)$/.exec(stderrLine.slice(0, 1000))?.[1];
  if (reason === undefined || !/\brejected\b/.test(reason)) return null;
  return { tool: reason.startsWith("patch ") ? "apply_patch" : "shell", reason };
}

/** Printed at the start if Codex cannot set up its sandbox: every tool will fail, and the run still exits with 0. */
export function isSandboxBroken(stderrLine: string): boolean {
  return stderrLine.includes("could not create PATH aliases") || stderrLine.startsWith("bwrap: execvp");
}
