import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { processesOf } from "./process-scan.ts";

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
});

async function startSleep(options: {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  name?: string;
}): Promise<number> {
  const child = spawn("/bin/sleep", ["300"], {
    cwd: options.cwd ?? "/",
    env: options.env ?? {},
    argv0: options.name ?? "sleep",
    stdio: "ignore",
  });
  children.push(child);
  await once(child, "spawn");
  return child.pid ?? 0;
}

it("finds a process by its environment, its command line or its directory, and no other", async () => {
  const id = `scan-${process.pid}-${Date.now()}`;
  const folder = await mkdtemp(join(tmpdir(), `${id}-`));
  try {
    const wanted = [
      await startSleep({ env: { CASE: id } }),
      await startSleep({ name: `sleep-${id}` }),
      await startSleep({ cwd: folder }),
    ];
    await startSleep({});
    expect((await processesOf(id)).map((each) => each.pid).sort((a, b) => a - b)).toEqual(
      wanted.sort((a, b) => a - b),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("a process that has ended is not seen", async () => {
  const id = `scan-${process.pid}-${Date.now()}`;
  await startSleep({ env: { CASE: id } });
  const child = children[0] as ChildProcess;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
  children.length = 0;
  expect(await processesOf(id)).toEqual([]);
});
