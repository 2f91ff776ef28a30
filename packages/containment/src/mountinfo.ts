/** Reads the mounts of this process from `/proc/self/mountinfo`. */
import { AgentCoreError, isMissing } from "@agentcore/contract";
import { readFileSync } from "node:fs";

export interface Mount {
  readonly id: number;
  /** The parent mount. */
  readonly parent: number;
  readonly point: string;
  /** Options of this mount, not of its file system: `rw`, `nosuid`, `relatime` and others. */
  readonly options: readonly string[];
}

/** The mounts that are visible under a path, without mounts covered by others. See {@link readMounts} for errors. */
export function reachableMounts(text: string = readMounts()): Mount[] {
  const mounts = text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseMount);
  const ids = new Set(mounts.map(({ id }) => id));
  return mounts
    .filter((mount) => mount.parent === mount.id || !ids.has(mount.parent))
    .flatMap((root) => reachableFrom(root, mounts));
}

/** Throws `AC_CONTAINMENT_UNAVAILABLE` if there is no `/proc`. */
function readMounts(): string {
  try {
    return readFileSync("/proc/self/mountinfo", "utf8");
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new AgentCoreError(
      "AC_CONTAINMENT_UNAVAILABLE",
      "/proc is not mounted, and without it processes cannot be told apart; mount it (`mount -t proc proc /proc`), or use a container that has it",
      { cause: error },
    );
  }
}

function reachableFrom(mount: Mount, mounts: readonly Mount[]): Mount[] {
  const onIt = mounts.filter((each) => each.parent === mount.id && each.id !== mount.id);
  const over = onIt.find((each) => each.point === mount.point);
  if (over !== undefined) return reachableFrom(over, mounts);
  const isCovered = (each: Mount): boolean => onIt.some(({ point }) => each.point.startsWith(`${point}/`));
  return [mount, ...onIt.filter((each) => !isCovered(each)).flatMap((each) => reachableFrom(each, mounts))];
}

function parseMount(line: string): Mount {
  const [id, parent, , , point = "", options = ""] = line.split(" ");
  return {
    id: Number(id),
    parent: Number(parent),
    point: unescapeMount(point),
    options: options.split(","),
  };
}

/** A path as the kernel writes it in `mountinfo`. */
export function unescapeMount(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCodePoint(Number.parseInt(octal, 8)),
  );
}
