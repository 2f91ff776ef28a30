/**
 * Counts the processes of a case from outside: by reading `/proc`, with no help from what is being tested. A process
 * belongs to a case when its environment, its command line or its working directory bears the case's id, so one that
 * cleared its environment, changed its session or was adopted by init is still seen. Zombies count as gone.
 */
import { readFile, readdir, readlink } from "node:fs/promises";

export interface SeenProcess {
  readonly pid: number;
  readonly command: string;
}

/** All living processes that bear `id` (a string that occurs nowhere else), except this one. */
export async function processesOf(id: string): Promise<readonly SeenProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const seen = await Promise.all(pids.filter((pid) => pid !== process.pid).map((pid) => inspect(pid, id)));
  return seen.filter((found) => found !== undefined);
}

async function inspect(pid: number, id: string): Promise<SeenProcess | undefined> {
  const [commandLine, environment, directory, stat] = await Promise.all([
    readProc(() => readFile(`/proc/${pid}/cmdline`, "utf8")),
    readProc(() => readFile(`/proc/${pid}/environ`, "utf8")),
    readProc(() => readlink(`/proc/${pid}/cwd`)),
    readProc(() => readFile(`/proc/${pid}/stat`, "utf8")),
  ]);
  const belongs = [commandLine, environment, directory].some((text) => text.includes(id));
  if (!belongs || isZombie(stat)) return undefined;
  return { pid, command: commandLine.replaceAll("\0", " ").trim() };
}

/** The state letter follows the last parenthesis, because a program's name may contain one. */
function isZombie(stat: string): boolean {
  return /\) [ZX]/.test(stat.slice(stat.lastIndexOf(")")));
}

/** Empty where the process is gone, or is a kernel thread, or belongs to somebody who may not be looked at. */
async function readProc(read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(code)) return "";
    throw error;
  }
}

/** The `sleep` programs of the cases among them. */
export function sleepers(seen: readonly SeenProcess[]): readonly SeenProcess[] {
  return seen.filter((each) => /^(\/\S*\/)?sleep 3600$/.test(each.command));
}
