/**
 * Directories for tests, which do not pile up: all of a process's are below one, which is removed when the process ends, or
 * by the next one where it was killed, as test runners do with theirs.
 */
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ignore } from "@agentcore/contract";

const prefix = "agentcore-testing-";
let parent: string | undefined;

/** A new empty directory. */
export function makeTemporaryDirectory(name: string): string {
  parent ??= makeParent();
  return mkdtempSync(join(parent, `${name}-`));
}

function makeParent(): string {
  const root = realpathSync(tmpdir());
  for (const entry of readdirSync(root)) {
    const pid = Number(entry.slice(prefix.length));
    if (entry.startsWith(prefix) && !isAlive(pid)) remove(join(root, entry));
  }
  const own = join(root, `${prefix}${process.pid}`);
  mkdirSync(own, { recursive: true });
  process.once("exit", () => remove(own));
  return own;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    ignore(error, "somebody else's, or still in use: it is only a test's left-over");
  }
}
