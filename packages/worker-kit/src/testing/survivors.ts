/**
 * Counts what is still alive of a run, from outside and without asking it: by reading the command line and environment of
 * every process of the machine. Zombies count as dead.
 */
import { readdirSync, readFileSync } from "node:fs";
import { ignore } from "@agentcore/contract";

export interface Survivor {
  readonly pid: number;
  readonly commandLine: string;
}

/** Processes whose command line or environment holds one of the texts, except this one. */
export function findSurvivors(texts: readonly string[]): Survivor[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({
      pid: Number(name),
      commandLine: readProc(name, "cmdline").replaceAll("\0", " ").trim(),
    }))
    .filter(({ pid, commandLine }) => {
      const environment = readProc(String(pid), "environ");
      return texts.some((text) => commandLine.includes(text) || environment.includes(text)) && !isZombie(pid);
    });
}

function isZombie(pid: number): boolean {
  const stat = readProc(String(pid), "stat");
  return stat === "" || /\) [ZX]/.test(stat.slice(stat.lastIndexOf(")")));
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    ignore(error, "gone meanwhile, or somebody else's");
    return "";
  }
}
