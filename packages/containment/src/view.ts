/**
 * What a box shows of the file system: everything, except directories that are hidden from every run, of which single ones
 * are put back for one run. A hidden directory can also not be moved away and replaced: each directory above it that this
 * user could rename is made a mount point, which the kernel refuses to rename. The decision is made here, once, as a list
 * of steps in the order in which they apply; `view-bubblewrap.ts` and `view-unshare.ts` turn it into mounts.
 */
import { accessSync, constants, existsSync, lstatSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { AgentCoreError, ignore } from "@agentcore/contract";
import type { ContainedCommand } from "./port.ts";

export type ViewStep =
  /** Nobody in the box can rename this directory. */
  | { readonly do: "pin"; readonly path: string }
  /** An empty directory, in which nothing can be made, lies over this one. */
  | { readonly do: "hide"; readonly path: string }
  /** This directory below a hidden one is there again. */
  | { readonly do: "show"; readonly path: string }
  /** A symbolic link below a hidden directory is there again. */
  | { readonly do: "link"; readonly path: string; readonly target: string };

/** All paths in it are absolute and free of symbolic links, but for the links' own names. */
export type View = readonly ViewStep[];

/** Files and directories through which root changes the whole machine, whatever capabilities it has given up. */
export function doorsOfRoot(): string[] {
  const names = ["acpi", "bus", "fs", "irq", "mtrr", "scsi", "sys", "sysrq-trigger"];
  return names.map((name) => `/proc/${name}`).filter((each) => existsSync(each));
}

/** Throws `AC_JOB_INVALID` where the command would have to see what is hidden, or asks to see what is not there. */
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
  // What lies deeper applies on top of what lies above it.
  return [...pins, ...steps.toSorted((a, b) => depth(a.path) - depth(b.path))];
}

/** Whether `each` lies below `root`, and is not `root`. */
function isBelow(root: string, each: string): boolean {
  return each.startsWith(root === "/" ? "/" : `${root}/`);
}

function depth(each: string): number {
  return each.split("/").length;
}

/** Every directory above that could be renamed, the topmost first. */
function pinnedAbove(roots: readonly string[]): string[] {
  const pinned = new Set<string>();
  for (const root of roots) {
    for (let above = path.dirname(root); path.dirname(above) !== above; above = path.dirname(above)) {
      if (isWritable(path.dirname(above))) pinned.add(above);
    }
  }
  return [...pinned].toSorted((a, b) => depth(a) - depth(b));
}

/** The name itself may be a symbolic link; what leads to it is resolved. */
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
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    ignore(error, "what is not there needs no hiding");
    return null;
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
