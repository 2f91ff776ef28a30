import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { freemem, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { createMachineSignals, memoryAvailable, someAvg10 } from "./machine-signals.ts";

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "agentcore-signals-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

it("the real machine tells what others say of it", async () => {
  const signals = createMachineSignals({ stateDir: tmpdir() });
  onTestFinished(() => signals.close());
  const sample = await signals.sample();
  // Reclaimable memory is counted in addition to free memory. The two values are read one after the other.
  const slack = totalmem() / 4;
  expect(sample.memoryAvailableBytes).toBeGreaterThan(freemem() - slack);
  expect(sample.memoryAvailableBytes).toBeLessThanOrEqual(totalmem());
  const { stdout } = spawnSync("df", ["--output=avail", "--block-size=1", tmpdir()], { encoding: "utf8" });
  const free = Number(stdout.trim().split("\n").at(-1));
  expect(Math.abs((sample.diskFreeBytes ?? 0) - free)).toBeLessThan(1024 ** 3);
});

it("a blocked event loop shows as delay in the next sample, also right after one, and not three samples later", async () => {
  const signals = createMachineSignals({});
  onTestFinished(() => signals.close());
  signals.watch(true);
  const delay = async (): Promise<number> => (await signals.sample()).eventLoopDelayMs;
  // The histogram measures with a timer of 10 ms, which fires before a later one.
  const measured = (): Promise<void> => sleep(30);
  await measured();
  await delay();
  // Longer than anything else that blocks the loop here.
  const blockedMs = 2000;
  const until = performance.now() + blockedMs;
  while (performance.now() < until);
  await measured();
  expect(await delay()).toBeGreaterThan(blockedMs / 2);
  for (let samples = 0; samples < 2; samples += 1) await delay();
  expect(await delay()).toBeLessThan(blockedMs / 2);
});

it("files of the kernel are read as they are written", async () => {
  const procDir = await scratch();
  await mkdir(join(procDir, "pressure"));
  await writeFile(
    join(procDir, "meminfo"),
    "MemTotal:  24683652 kB\nMemFree:  1 kB\nMemAvailable:   2048 kB\n",
  );
  await writeFile(
    join(procDir, "pressure/memory"),
    "some avg10=12.34 avg60=1.00 avg300=0.10 total=9\nfull avg10=99.00 avg60=0.00 avg300=0.00 total=0\n",
  );
  const signals = createMachineSignals({ procDir, stateDir: join(procDir, "absent") });
  onTestFinished(() => signals.close());
  expect(await signals.sample()).toMatchObject({
    memoryAvailableBytes: 2048 * 1024,
    memoryPressurePercent: 12.34,
    diskFreeBytes: null,
  });
});

it("a kernel without pressure-stall information gives null there, and free memory from the system", async () => {
  const signals = createMachineSignals({ procDir: await scratch() });
  onTestFinished(() => signals.close());
  const sample = await signals.sample();
  expect(sample.memoryPressurePercent).toBeNull();
  expect(sample.memoryAvailableBytes).toBeGreaterThan(0);
});

it("text that is not what the kernel writes is not read as a number", () => {
  expect(memoryAvailable("MemFree: 12 kB")).toBeNull();
  expect(someAvg10("full avg10=1.00")).toBeNull();
});
