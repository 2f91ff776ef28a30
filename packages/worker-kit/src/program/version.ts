/**
 * Versions of worker programs: run `--version`, find the number in what it prints, compare. A program that hangs is
 * ended after a while; what it prints is bounded.
 */
import { execFile } from "node:child_process";

export const versionTimeoutMs = 20_000;

export type VersionAnswer =
  | { readonly kind: "version"; readonly version: string }
  | { readonly kind: "unreadable"; readonly reason: string };

/**
 * Runs the program with the arguments that print its version, in `/`, with exactly the environment given. The first
 * `major.minor.patch` (or `major.minor`) on stdout, else on stderr, is the version.
 */
export function readVersion(
  program: string,
  versionArgs: readonly string[],
  env: Readonly<Record<string, string>>,
  timeoutMs = versionTimeoutMs,
): Promise<VersionAnswer> {
  return new Promise((settle) => {
    const options = {
      cwd: "/",
      env,
      timeout: timeoutMs,
      killSignal: "SIGKILL" as const,
      maxBuffer: 1024 * 1024,
    };
    const child = execFile(program, [...versionArgs], options, (error, stdout, stderr) => {
      const version = findVersion(stdout) ?? findVersion(stderr);
      if (error === null && version !== null) settle({ kind: "version", version });
      else if (error === null) settle({ kind: "unreadable", reason: "it printed no version" });
      else if (error.killed === true)
        settle({ kind: "unreadable", reason: `no answer within ${timeoutMs} ms` });
      else settle({ kind: "unreadable", reason: reasonOf(error, stderr) });
    });
    child.stdin?.end();
  });
}

function reasonOf(error: { code?: unknown; message: string }, stderr: string): string {
  const line = stderr.trim().split("\n")[0] ?? "";
  if (line !== "") return line.slice(0, 300);
  return typeof error.code === "number" ? `it exited with ${error.code}` : error.message.slice(0, 300);
}

/** The first thing in the text that looks like a version: `2.1.330`, `v1.18`, `0.169.0-beta.1`. */
export function findVersion(text: string): string | null {
  const match = /(?<![\d.])(\d+\.\d+(?:\.\d+)?(?:-[0-9A-Za-z.-]+)?)/.exec(text);
  return match?.[1] ?? null;
}

/** Negative, zero or positive, as `left` is older, equal or newer. Missing parts are 0; a pre-release is older. */
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
