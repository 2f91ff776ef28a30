/** For `run-limits.test.ts`: what runs with limits come to, in a process of the user that is to be limited. Prints JSON. */
import { openContainment, type Containment, type ImplementationName, type RunLimits } from "../index.ts";

const [directory = "", ...names] = process.argv.slice(2);

const limits: RunLimits = { processes: 8, memoryBytes: 128 * 2 ** 20, fileBytes: 2 ** 20 };
/** The shell itself is one of the processes. */
const crowd = (count: number): string =>
  `i=0; while [ $i -lt ${count} ]; do sleep 20 & i=$((i+1)); done 2>/dev/null`;
const allocate = (mebibytes: number): string =>
  `dd if=/dev/zero of=/dev/null bs=${mebibytes}M count=1 2>/dev/null`;
const write = (bytes: number): string => `exec head -c ${bytes} /dev/zero >"$1/$2-${bytes}"`;

const scripts: Readonly<Record<string, string>> = {
  processesWithin: crowd(7),
  processesBeyond: crowd(8),
  memoryWithin: allocate(64),
  memoryBeyond: allocate(192),
  fileWithin: write(2 ** 20),
  fileBeyond: write(2 ** 20 + 1),
  limitStays: "ulimit -Hf 2049 2>/dev/null && exit 1; ulimit -f 1 && [ $(ulimit -f) = 1 ]",
};

async function exitOf(containment: Containment, name: string, script: string): Promise<unknown> {
  const run = await containment.start({
    command: "/bin/sh",
    args: ["-c", script, "sh", directory, containment.implementation],
    cwd: "/",
    env: { PATH: process.env.PATH ?? "" },
    marker: `limited-${process.pid}-${containment.implementation}-${name}`,
    limits,
  });
  run.stdout.resume();
  run.stderr.resume();
  run.go();
  const exit = await run.exited;
  await run.finish();
  return exit.signal ?? exit.code;
}

const found = await Promise.all(
  names.map(async (name) => {
    const containment = await openContainment({ implementation: name as ImplementationName });
    const exits = await Promise.all(
      Object.entries(scripts).map(async ([each, script]) => [each, await exitOf(containment, each, script)]),
    );
    return { implementation: name, limits: containment.limits, exits: Object.fromEntries(exits) as unknown };
  }),
);
process.stdout.write(JSON.stringify(found));
