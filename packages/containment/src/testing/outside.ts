/**
 * Looks at the machine from outside: who is still there, whatever the mechanism under test believes. Shares no code
 * with it. As root, everything that a run starts sits in a cgroup that the harness made; besides, and otherwise, the
 * run's token is looked for in the arguments of every process.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ignore } from "@agentcore/contract";

export interface Sighting {
  readonly pid: number;
  readonly args: readonly string[];
}

/** Programs that build the box; what is left of them alone holds no payload. */
const boxPrograms = new Set(["bwrap", "unshare", "setpriv"]);

/** Whether this is the payload or something it started, and not the box or the script that waits in it. */
export function isReleased({ args }: Sighting): boolean {
  const program = path.basename(args[0] ?? "");
  return !boxPrograms.has(program) && !args.some((argument) => argument.includes("read -r agentcore_1 <&"));
}

/** Every running process with the token among its arguments. */
export function sightings(token: string): Sighting[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => sight(Number(name)))
    .filter((seen): seen is Sighting => seen?.args.some((argument) => argument.includes(token)) ?? false);
}

function sight(pid: number): Sighting | null {
  const args = readOrEmpty(`/proc/${pid}/cmdline`).split("\0");
  args.pop();
  // Kernel threads and zombies have no arguments.
  return args.length === 0 ? null : { pid, args };
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    ignore(error, "gone in the meantime");
    return "";
  }
}

/** A cgroup of the harness: whatever is started in it cannot get lost. */
export interface HarnessCgroup {
  readonly directory: string;
  sightings(): Sighting[];
  isPopulated(): boolean;
  /** Holds everybody in it where they are, or lets them go on. They can be killed meanwhile. */
  freeze(frozen: boolean): void;
  /** Kills everybody in it and removes it. */
  destroy(): Promise<void>;
}

/** Null where this process may not make one. */
export function makeHarnessCgroup(name: string): HarnessCgroup | null {
  const mount = /^\S+ \S+ \S+ \/ (\S+) .* - cgroup2 /m.exec(readOrEmpty("/proc/self/mountinfo"))?.[1];
  const own = /^0::(.*)$/m.exec(readOrEmpty("/proc/self/cgroup"))?.[1];
  if (mount === undefined || own === undefined) return null;
  const directory = path.join(mount, own, name);
  try {
    mkdirSync(directory);
  } catch (error) {
    ignore(error, "counted by arguments alone then, and the table says so");
    return null;
  }
  const isPopulated = (): boolean =>
    /^populated 1$/m.test(readOrEmpty(path.join(directory, "cgroup.events")));
  return {
    directory,
    isPopulated,
    sightings: () =>
      tree(directory)
        .flatMap((each) => readOrEmpty(path.join(each, "cgroup.procs")).split("\n"))
        .filter((line) => line !== "")
        .map((line) => sight(Number(line)))
        .filter((seen): seen is Sighting => seen !== null),
    freeze: (frozen) => writeFileSync(path.join(directory, "cgroup.freeze"), frozen ? "1" : "0"),
    destroy: async () => {
      while (isPopulated()) {
        writeFileSync(path.join(directory, "cgroup.kill"), "1");
        await sleep(2);
      }
      for (const each of tree(directory).reverse()) rmdirSync(each);
    },
  };
}

function tree(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [directory, ...below.flatMap((entry) => tree(path.join(directory, entry.name)))];
}
