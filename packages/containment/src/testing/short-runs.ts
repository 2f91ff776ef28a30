/**
 * Starts many short runs that abandon children, then counts the zombies that have come to this process. Meant to be
 * PID 1 of a namespace, where nobody else would reap them. Arguments: implementation, how many runs.
 */
import { readdirSync, readFileSync } from "node:fs";
import { ignore } from "@agentcore/contract";
import { openContainment, type ImplementationName } from "../index.ts";

const [implementation, count] = process.argv.slice(2) as [ImplementationName, string];
const containment = await openContainment({ implementation });
// The probe kills supervisors, whose boxes then come to us: a few, once.
const before = countZombies();
for (let index = 0; index < Number(count); index += 1) {
  const run = await containment.start({
    command: "/bin/sh",
    args: ["-c", "(sleep 0.001 &) ; (setsid sleep 300 &) ; exit 0"],
    cwd: "/",
    env: { PATH: process.env.PATH ?? "" },
    marker: `short-${process.ppid}-${process.pid}-${index}`,
  });
  run.go();
  await run.finish();
}

process.stdout.write(JSON.stringify({ pid: process.pid, zombies: countZombies() - before }));

function countZombies(): number {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isZombie(name)).length;
}

function isZombie(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8").includes("\nState:\tZ");
  } catch (error) {
    ignore(error, "gone in the meantime");
    return false;
  }
}
