/**
 * Closes inherited descriptors that a child would also get, such as the lock file of a shell script that started this
 * process. Node does not close them at a spawn; only a shell can. So a shell is put in front if there are any, which is
 * rare. Without `/proc` they cannot be distinguished from Node's own and stay open.
 *
 * All descriptors are looked at once, before the first launch: Node opens none later that a child would get, and to look at
 * those of all runs before each launch would hold the event loop for seconds where hundreds begin together.
 */
import { readdirSync, readFileSync } from "node:fs";
import { ignore } from "@agentcore/contract";
import type { CommandLine } from "./launch.ts";
import { findSystemProgram } from "./programs.ts";

const closeOnExec = 0o2000000;
/** A spawn replaces every descriptor up to this number. */
const ownDescriptorMax = 4;

let foundAtFirst: readonly number[] | undefined;

/** Descriptors above those that a box uses. */
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

/**
 * Returns the command line with a shell in front that closes them. `bash` first: some other shells only support descriptors
 * up to 9.
 */
export function withoutStrays(line: CommandLine, strays: readonly number[]): CommandLine {
  if (strays.length === 0) return line;
  const bash = findSystemProgram("bash");
  const script = `exec ${strays.map((fd) => `${fd}>&-`).join(" ")}; exec "$@"`;
  // Otherwise it would run the start-up files of the payload's HOME and its BASH_ENV outside of the box.
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
