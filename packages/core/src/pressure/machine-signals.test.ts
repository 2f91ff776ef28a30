import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { createMachineSignals, memoryAvailable, someAvg10 } from "./machine-signals.ts";

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "agentcore-signals-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

it("the real machine tells something plausible", async () => {
  const signals = createMachineSignals({ stateDir: tmpdir() });
  onTestFinished(() => signals.close());
  const sample = await signals.sample();
  expect(sample.eventLoopDelayMs).toBeGreaterThanOrEqual(0);
  expect(sample.memoryAvailableBytes).toBeGreaterThan(1e6);
  expect(sample.diskFreeBytes).toBeGreaterThan(0);
});

it("a blocked event loop shows as delay in the next sample, also right after one, and not three samples later", async () => {
  const signals = createMachineSignals({});
  onTestFinished(() => signals.close());
  await sleep(30);
  await signals.sample();
  const until = performance.now() + 300;
  while (performance.now() < until);
  await sleep(30);
  expect((await signals.sample()).eventLoopDelayMs).toBeGreaterThan(200);
  for (let i = 0; i < 2; i += 1) {
    await sleep(40);
    await signals.sample();
  }
  await sleep(40);
  expect((await signals.sample()).eventLoopDelayMs).toBeLessThan(200);
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
