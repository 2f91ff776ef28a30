/**
 * Finds the version of a worker's program: runs `--version` contained, parses the number from the output, and compares
 * versions. A program that does not reply in time is ended; on a busy machine that says nothing about the program.
 */
import { AgentCoreError, errorText } from "@agentcore/contract";
import { runContainedProgram, type ProgramEnd, type ProgramOptions } from "./contained-program.ts";

export const versionTimeoutMs = 20_000;

export type VersionAnswer =
  | { readonly kind: "version"; readonly version: string }
  /** It replied, but without a version. */
  | { readonly kind: "unreadable"; readonly reason: string }
  /** It took too long, or the system could not start it: a later try may succeed. */
  | { readonly kind: "unanswered"; readonly reason: string };

export interface VersionOptions {
  /** Default {@link versionTimeoutMs}. */
  readonly timeoutMs?: number;
  /** Ends the program at once; the call then rejects with `AC_CANCELLED`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs the program with the arguments that print its version, in `/`, with exactly the environment given. The first
 * `major.minor.patch` (or `major.minor`) on stdout, else on stderr, is the version.
 */
export async function readVersion(
  options: ProgramOptions,
  program: string,
  versionArgs: readonly string[],
  env: Readonly<Record<string, string>>,
  { timeoutMs = versionTimeoutMs, signal }: VersionOptions = {},
): Promise<VersionAnswer> {
  const bytes = { stdoutBytesMax: outputBytesMax, stderrBytesMax: outputBytesMax };
  const request = { command: program, args: versionArgs, cwd: "/", env, label: "version", timeoutMs, signal };
  const end = await runContainedProgram(options, { ...request, ...bytes }).catch((error: unknown) =>
    errorText(error),
  );
  if (signal?.aborted === true)
    throw new AgentCoreError("AC_CANCELLED", `the version of ${program} is no longer wanted`);
  if (typeof end === "string") return { kind: "unanswered", reason: end };
  if (end.timedOut) return { kind: "unanswered", reason: `no answer within ${timeoutMs} ms` };
  const version = findVersion(end.stdout) ?? findVersion(end.stderr);
  if (end.exit.code === 0 && version !== null) return { kind: "version", version };
  return { kind: "unreadable", reason: reasonOf(end) };
}

const outputBytesMax = 1024 * 1024;

function reasonOf({ exit, stderr, overflowed }: ProgramEnd): string {
  if (exit.code === 0) return "it printed no version";
  if (overflowed) return `it printed more than ${outputBytesMax} bytes`;
  const line = stderr.trim().split("\n")[0] ?? "";
  if (line !== "") return line.slice(0, 300);
  return exit.code === null ? `it was ended by ${exit.signal}` : `it exited with code ${exit.code}`;
}

/** The first thing in the text that looks like a version: `2.1.330`, `v1.18`, `0.169.0-beta.1`. */
export function findVersion(text: string): string | null {
  const match = /(?<![\d.])(\d+\.\d+(?:\.\d+)?(?:-[0-9A-Za-z.-]+)?)/.exec(text);
  return match?.[1] ?? null;
}

/** Negative, zero or positive if `left` is older, equal or newer. Missing parts are 0; a pre-release is older. */
export function compareVersions(left: string, right: string): number {
  const [leftCore = "", leftPre = ""] = splitOnce(left, "-");
  const [rightCore = "", rightPre = ""] = splitOnce(right, "-");
  const leftParts = leftCore.split(".").map(Number);
  const rightParts = rightCore.split(".").map(Number);
  for (let index = 0; index < 3; index += 1) {
    const difference = (leftParts[index] ?? 0) - (rightParts[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (leftPre === rightPre) return 0;
  if (leftPre === "") return 1;
  if (rightPre === "") return -1;
  return leftPre < rightPre ? -1 : 1;
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
