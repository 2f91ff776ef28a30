/** For `promises.ts`: tries each of them in a box of its own and prints name, exit code and stderr as a line of JSON. */
import path from "node:path";
import { text } from "node:stream/consumers";
import { openContainment, type ImplementationName } from "../index.ts";
import { promises } from "./promises.ts";

const [implementation, hidden] = process.argv.slice(2) as [ImplementationName, string];
const containment = await openContainment({ implementation, hidden: [hidden] });
for (const [number, [name, script]] of Object.entries(promises).entries()) {
  const run = await containment.start({
    command: "/bin/sh",
    args: ["-c", script, "sh", hidden],
    cwd: "/",
    env: { PATH: process.env.PATH ?? "" },
    marker: `promise-${process.pid}-${number}`,
    visible: [path.join(hidden, "own")],
  });
  run.stdout.resume();
  const words = text(run.stderr);
  run.go();
  const exit = await run.exited;
  await run.finish();
  process.stdout.write(`${JSON.stringify([name, exit.code, await words])}\n`);
}
