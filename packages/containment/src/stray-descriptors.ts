/**
 * Descriptors that this process was started with and that a child would get too, such as the lock file of a shell script
 * around it. Node closes none of them at a spawn, and nothing can be asked to but a shell: it is put in front where there
 * are any, which is rare. On a system without `/proc` they cannot be told from Node's own, and stay.
 *
 * All descriptors are looked at once, before the first launch: Node opens none later that a child would get, and to look at
 * those of all runs before each launch would hold the event loop for seconds where hundreds begin together.
 */
import { readdirSync, readFileSync } from "node:fs";
import { ignore } from "@agentcore/contract";
import type { CommandLine } from "./launch.ts";
import { findSystemProgram } from "./programs.ts";

const closeOnExec = 0o2000000;
/** Up to here a spawn gives every number a stream of its own. */
const ownDescriptorMax = 4;

let foundAtFirst: readonly number[] | undefined;

/** Numbers above those that a box uses itself. */
export function strayDescriptors(): readonly number[] {
  foundAtFirst ??= listNames("/proc/self/fd")
    .map(Number)
    .filter((fd) => fd > ownDescriptorMax && isInherited(fd));
  // One that was closed since may be Node's own by now.
  return foundAtFirst.filter(isInherited);
}

function isInherited(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch (error) {
    ignore(error, "closed since the directory was read, as the descriptor of that directory itself");
    return false;
  }
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    ignore(error, "no /proc here");
    return [];
  }
}

/** The command line behind a shell that closes them. `bash` first: some of the others know descriptors up to 9 only. */
export function withoutStrays(line: CommandLine, strays: readonly number[]): CommandLine {
  if (strays.length === 0) return line;
  const bash = findSystemProgram("bash");
  const script = `exec ${strays.map((fd) => `${fd}>&-`).join(" ")}; exec "$@"`;
  // Else it would run the start-up files of the payload's HOME, and what its BASH_ENV names, outside of the box.
  const args = [
    ...(bash === null ? [] : ["--norc", "--noprofile", "-p"]),
    "-c",
    script,
    "sh",
    line.file,
    ...line.args,
  ];
  return { file: bash ?? "/bin/sh", args };
}
