/**
 * Decides what a box shows of the file system: everything except hidden directories, some parts of which are visible to one
 * run. A hidden directory cannot be moved away and replaced either: each directory above it that this user could rename is
 * made a mount point, which the kernel does not rename. The decision is a list of steps in the order in which they apply;
 * `view-bubblewrap.ts` and `view-unshare.ts` turn it into mounts.
 */
import { accessSync, constants, existsSync, lstatSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { AgentCoreError, ifMissing, ignore } from "@agentcore/contract";
import type { ContainedCommand } from "./port.ts";

export type ViewStep =
  /** No process in the box can rename this directory. */
  | { readonly do: "pin"; readonly path: string }
  /** An empty, read-only directory covers this one. */
  | { readonly do: "hide"; readonly path: string }
  /** This directory inside a hidden one is visible again. */
  | { readonly do: "show"; readonly path: string }
  /** A symbolic link inside a hidden directory is visible again. */
  | { readonly do: "link"; readonly path: string; readonly target: string };

/** All paths are absolute and free of symbolic links, except the links' own names. */
export type View = readonly ViewStep[];

/** Files and directories through which root can change the whole machine even without capabilities. */
export function doorsOfRoot(): string[] {
  const names = ["acpi", "bus", "fs", "irq", "mtrr", "scsi", "sys", "sysrq-trigger"];
  return names.map((name) => `/proc/${name}`).filter((each) => existsSync(each));
}

/** Throws `AC_JOB_INVALID` if the command's directory is hidden, or a visible directory does not exist. */
export function planView(
  hidden: readonly string[],
  command: Pick<ContainedCommand, "cwd" | "visible">,
): View {
  const roots = [...new Set(hidden.map(realOrNull).filter((each) => each !== null))];
  if (roots.length === 0) return [];
  const cwd = realpathSync(command.cwd);
  if (roots.includes(cwd)) {
    throw new AgentCoreError(
      "AC_JOB_INVALID",
      `${cwd} is hidden from workers and cannot be a worker's directory; name another one`,
    );
  }
  const shown = new Set<string>([cwd]);
  const links = new Map<string, string>();
  for (const visible of command.visible ?? []) {
    const { name, real } = resolveVisible(visible);
    shown.add(real);
    if (name !== real) links.set(name, real);
  }
  const isHidden = (each: string): boolean => roots.some((root) => isBelow(root, each));
  const steps: ViewStep[] = [
    ...roots.map((each) => ({ do: "hide" as const, path: each })),
    ...[...shown].filter(isHidden).map((each) => ({ do: "show" as const, path: each })),
    ...[...links]
      .filter(([name]) => isHidden(name))
      .map(([name, target]) => ({ do: "link" as const, path: name, target })),
  ];
  const pins = pinnedAbove(roots).map((each) => ({ do: "pin" as const, path: each }));
  // Deeper steps apply after the steps above them.
  return [...pins, ...steps.toSorted((a, b) => depth(a.path) - depth(b.path))];
}

/** Whether `each` lies below `root`, and is not `root`. */
function isBelow(root: string, each: string): boolean {
  return each.startsWith(root === "/" ? "/" : `${root}/`);
}

function depth(each: string): number {
  return each.split("/").length;
}

/** Every directory above that could be renamed, topmost first. */
function pinnedAbove(roots: readonly string[]): string[] {
  const pinned = new Set<string>();
  for (const root of roots) {
    for (let above = path.dirname(root); path.dirname(above) !== above; above = path.dirname(above)) {
      if (isWritable(path.dirname(above))) pinned.add(above);
    }
  }
  return [...pinned].toSorted((a, b) => depth(a) - depth(b));
}

/** The last component may be a symbolic link; everything before it is resolved. */
function resolveVisible(visible: string): { name: string; real: string } {
  try {
    const name = path.join(realpathSync(path.dirname(visible)), path.basename(visible));
    const real = realpathSync(name);
    if (!statSync(real).isDirectory()) throw new Error("it is not a directory");
    return { name: lstatSync(name).isSymbolicLink() ? name : real, real };
  } catch (error) {
    throw new AgentCoreError(
      "AC_JOB_INVALID",
      `${visible} cannot be shown to the worker: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function realOrNull(directory: string): string | null {
  try {
    return realpathSync(directory);
  } catch (error) {
    // What is not there needs no hiding.
    return ifMissing(null)(error);
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch (error) {
    ignore(error, "a worker runs as this user and cannot rename anything in it either");
    return false;
  }
}
