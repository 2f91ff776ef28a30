import { silentLog } from "@agentcore/contract";
import { processOwner } from "@agentcore/core";
import { createMemoryJournal } from "@agentcore/scheduler";
import { createVirtualClock } from "@agentcore/scheduler/testing";
import { createMemoryTriggerStore } from "@agentcore/triggers";
import { expect, it } from "vitest";
import { DaemonLease, whileHeld } from "./daemon-lease.ts";

const place = "postgres://agents@db/agentcore";
const gone = { pid: 1, startTicks: 1, bootId: "an earlier boot", pidNamespace: null };

function setUp() {
  const journal = createMemoryJournal();
  let isCutOff = false;
  const cut = <T>(call: () => Promise<T>) => (isCutOff ? Promise.reject(new Error("cut off")) : call());
  const cuttable = {
    append: (...args: Parameters<typeof journal.append>) => cut(() => journal.append(...args)),
    list: (...args: Parameters<typeof journal.list>) => cut(() => journal.list(...args)),
  };
  const clocks = { a: createVirtualClock(), b: createVirtualClock() };
  const take = (host: "a" | "b", process: ReturnType<typeof processOwner> = processOwner()) =>
    DaemonLease.take({
      journal: host === "a" ? cuttable : journal,
      holder: { host, ...process },
      place,
      clock: clocks[host],
      log: silentLog,
    });
  return { clocks, take, cutOff: (value: boolean) => (isCutOff = value) };
}

it("a second daemon is refused while the first renews its lease, and begins at once when that has ended", async () => {
  const { clocks, take } = setUp();
  const first = await take("a");
  const second = take("b").catch((error: unknown) => error);
  for (let ms = 0; ms < 15_000; ms += 500) {
    await clocks.a.advance(500);
    await clocks.b.advance(500);
  }
  expect(await second).toMatchObject({
    code: "AC_DAEMON_RUNNING",
    message: `process ${process.pid} on a is the daemon of ${place}; run \`agentcore work\` on this machine to share its jobs`,
  });
  expect(first.isHeld).toBe(true);
  await first.release();
  const next = await take("b");
  expect(next.isHeld).toBe(true);
  await next.release();
});

it("a daemon that was killed is followed at once on its machine", async () => {
  const { take } = setUp();
  await take("a", gone);
  expect((await take("a")).isHeld).toBe(true);
});

it("a daemon that is cut off decides nothing well before another can take over, and ends when one has", async () => {
  const { clocks, take, cutOff } = setUp();
  const first = await take("a");
  const store = whileHeld(createMemoryTriggerStore(), first, place);
  await store.commit({});
  cutOff(true);
  let heldMs = 0;
  for (; first.isHeld; heldMs += 500) await clocks.a.advance(500);
  expect(heldMs).toBeLessThanOrEqual(7500);
  await expect(store.commit({})).rejects.toMatchObject({ code: "AC_STORE_UNAVAILABLE" });
  cutOff(false);
  await clocks.a.advance(2500);
  expect(first.isHeld).toBe(true);

  cutOff(true);
  const taking = take("b").then((lease) => ({ lease, atMs: clocks.b.monotonicMs() }));
  for (let ms = 0; ms < 20_000; ms += 500) await clocks.b.advance(500);
  const { lease: second, atMs } = await taking;
  expect(atMs).toBeGreaterThanOrEqual(15_000);
  expect(atMs).toBeLessThan(20_000);
  // The first was asleep all the time: its own clock has hardly moved when it asks again.
  cutOff(false);
  await clocks.a.advance(2500);
  expect(await first.lost).toMatchObject({ code: "AC_DAEMON_RUNNING", evidence: { host: "b" } });
  expect(first.isHeld).toBe(false);
  expect(second.isHeld).toBe(true);
  await first.release();
  await clocks.b.advance(2500);
  expect(second.isHeld).toBe(true);
  await second.release();
});
