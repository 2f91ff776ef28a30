/**
 * Caches the result of a probe in a small file, because a probe costs more than the rest of a run's start. The cache is
 * valid until something changes that could change the result: the boot, the kernel, the user, the programs (path, size,
 * time of change), AgentCore's own command lines, and the settings for namespaces. Only a result with a sealed
 * implementation is cached: a machine that was too busy to pass must not count as unable until its next boot. The cgroup is
 * never cached: finding it is cheap, and it depends on where this process was started.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import path from "node:path";
import { ignore, readBootId } from "@agentcore/contract";
import { candidates, commandLine } from "./implementations.ts";
import type { ImplementationReport } from "./probe.ts";
import { findSystemProgram } from "./programs.ts";

const formatVersion = 1;
const anyCommand = { command: "true", args: [], cwd: "/" };

interface CachedProbe {
  readonly key: string;
  readonly implementations: readonly ImplementationReport[];
}

/** Everything that the result of a probe depends on, as one string. */
export function probeKey(): string {
  const programs = ["bwrap", "unshare", "setpriv", "setsid", "sh"].map((name) => {
    const file = findSystemProgram(name);
    const stat = file === null ? undefined : statSync(file, { throwIfNoEntry: false });
    return [name, file, stat?.size, stat?.mtimeMs, stat?.ctimeMs];
  });
  const settings = [
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/user/max_pid_namespaces",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/self/uid_map",
  ].map(readOrNull);
  const uid = process.geteuid?.() ?? 0;
  const commandLines = candidates(uid).map((candidate) =>
    "missing" in candidate ? candidate : candidate.map((way) => commandLine(way, anyCommand, [])),
  );
  return JSON.stringify([
    formatVersion,
    commandLines,
    readBootId(),
    release(),
    uid,
    process.getegid?.(),
    programs,
    settings,
  ]);
}

/** The cached result; null if there is none for this key, for any reason. */
export function readProbe(file: string, key: string): readonly ImplementationReport[] | null {
  const text = readOrNull(file);
  if (text === null) return null;
  try {
    const cached = JSON.parse(text) as CachedProbe;
    return cached.key === key && Array.isArray(cached.implementations) ? cached.implementations : null;
  } catch (error) {
    ignore(error, "a damaged cache is no cache");
    return null;
  }
}

/** If the file cannot be written, the next start probes again. */
export function writeProbe(
  file: string,
  key: string,
  implementations: readonly ImplementationReport[],
): void {
  if (!implementations.some((report) => report.available && report.level === "sealed")) return;
  const cached: CachedProbe = { key, implementations };
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, `${JSON.stringify(cached)}\n`, { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    ignore(error, "costs the next start a probe and nothing else");
  }
}

/** Drops the cached result after a box could not be built. */
export function forgetProbe(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch (error) {
    ignore(error, "a later start fails in the same way and says so");
  }
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    ignore(error, "this system has no such file");
    return null;
  }
}
