/**
 * For the test of nesting: runs other sandboxes, and this package itself, inside of a box. Arguments: implementation,
 * state directory, and `inner` for the run inside. Prints one line of JSON per thing tried.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { openContainment, type ImplementationName } from "../index.ts";
import { findSystemProgram } from "../programs.ts";

const [implementation, stateDir, place] = process.argv.slice(2) as [ImplementationName, string, string?];

/**
 * What the agents' own sandboxes do, as far as it is installed. None but the first mounts a `/proc`: root's box allows none.
 */
const isRoot = process.geteuid?.() === 0;
const sandboxes: Record<string, string[]> = {
  ...(isRoot
    ? {}
    : {
        "bwrap with its own pid namespace and /proc":
          "bwrap --dev-bind / / --unshare-pid --proc /proc true".split(" "),
      }),
  "bwrap with its own pid namespace": [
    "bwrap",
    "--dev-bind",
    "/",
    "/",
    "--unshare-user",
    "--unshare-pid",
    "true",
  ],
  "bwrap with everything unshared": [
    "bwrap",
    "--unshare-all",
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
    "true",
  ],
  "unshare with a user namespace": ["unshare", "--user", "--map-root-user", "--pid", "--fork", "true"],
};

function say(what: string, outcome: string): void {
  process.stdout.write(`${JSON.stringify({ what, outcome })}\n`);
}

async function runThisInside(): Promise<void> {
  const containment = await openContainment({ implementation, stateDir });
  const program = fileURLToPath(import.meta.url);
  const run = await containment.start({
    command: process.execPath,
    args: [...process.execArgv, program, implementation, stateDir, "inner"],
    cwd: "/",
    env: { PATH: process.env.PATH ?? "" },
    marker: `outer-${process.pid}`,
    ownSandbox: true,
  });
  run.stdout.pipe(process.stdout);
  run.stderr.pipe(process.stderr);
  run.go();
  const exit = await run.exited;
  const receipt = await run.finish();
  say("outer", exit.code === 0 && receipt.survivors === 0 ? "ok" : JSON.stringify({ exit, receipt }));
}

async function tryEverything(): Promise<void> {
  for (const [what, [program = "", ...args]] of Object.entries(sandboxes)) {
    if (findSystemProgram(program) === null) continue;
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    say(what, status === 0 ? "ok" : `exit ${status}: ${stderr}`);
  }
  // Root's box has no right to make another of the kind; a process group can be made anywhere.
  const inner = isRoot ? "process-group" : implementation;
  const containment = await openContainment({ implementation: inner, stateDir });
  const run = await containment.start({
    command: "/bin/sh",
    args: ["-c", "setsid sleep 300 & exit 7"],
    cwd: "/",
    env: { PATH: process.env.PATH ?? "" },
    // Pids repeat inside; the outer one's marker does not.
    marker: `inner-${process.env.AGENTCORE_RUN_ID}`,
  });
  run.go();
  const exit = await run.exited;
  const receipt = await run.finish();
  const isRight = exit.code === 7 && receipt.survivors === 0 && receipt.implementation === inner;
  say("inner", isRight ? "ok" : JSON.stringify({ exit, receipt }));
}

await (place === "inner" ? tryEverything() : runThisInside());
