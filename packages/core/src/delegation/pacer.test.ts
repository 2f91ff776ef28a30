import { expect, it } from "vitest";
import { createManualClock } from "../testing/manual-clock.ts";
import { runtimeConfigSchema } from "../config/runtime-config.ts";
import { Pacer, pacesOf } from "./pacer.ts";

/** What has started, and when by the clock. The queue also takes real time, which the clock does not show. */
function paced() {
  const clock = createManualClock();
  const pacer = new Pacer(clock);
  const beganMs = clock.monotonicMs();
  const started: string[] = [];
  const start = (name: string, intervalMs: number, signal?: AbortSignal): void => {
    const note = (): void => void started.push(`${name} ${clock.monotonicMs() - beganMs}`);
    const turn = pacer.turn(name, intervalMs, signal);
    if (turn === null) note();
    else void turn.then(note);
  };
  /** Advances the clock as soon as the next in the queue waits for it. */
  const pass = async (ms: number, timers: number): Promise<void> => {
    await expect.poll(() => clock.pendingTimers).toBe(timers);
    clock.advance(ms);
  };
  return { clock, start, started, pass };
}

it("the first start under a name is at once, the others are an interval apart, and other names do not wait for them", async () => {
  const { start, started, pass } = paced();
  for (const name of ["a", "a", "a", "b"]) start(name, 100);
  expect(started).toEqual(["a 0", "b 0"]);
  // Each waiting start has a bound, and the first of them sleeps.
  await pass(99, 3);
  expect(started).toHaveLength(2);
  await pass(1, 3);
  await expect.poll(() => started.slice(2)).toEqual(["a 100"]);
  await pass(100, 2);
  await expect.poll(() => started.slice(3)).toEqual(["a 200"]);
  await pass(100, 0);
  start("a", 100);
  expect(started.at(-1)).toBe("a 300");
});

it("a start that is no longer wanted takes no time of the others", async () => {
  const { start, started, pass } = paced();
  const stopping = new AbortController();
  start("a", 100);
  start("a", 100, stopping.signal);
  start("a", 100, AbortSignal.abort());
  start("a", 100);
  await expect.poll(() => started).toHaveLength(1);
  stopping.abort();
  await pass(100, 2);
  await expect.poll(() => started.at(-1)).toBe("a 100");
});

it("no start waits longer than its place in the queue costs and five seconds, whatever holds the queue", async () => {
  const { clock, start, started } = paced();
  start("a", 100);
  start("a", 100);
  // The sleep in the queue has not begun: only the bound exists.
  expect(clock.pendingTimers).toBe(1);
  clock.advance(5099);
  expect(started).toHaveLength(1);
  clock.advance(1);
  await expect.poll(() => started).toHaveLength(2);
});

it("an interval of zero paces nothing", () => {
  const { start, started } = paced();
  start("a", 0);
  start("a", 0);
  expect(started).toHaveLength(2);
});

it("each provider is paced by default, a worker where it is configured, and the shell is not", () => {
  const paces = (input: object, worker: string, provider: string | null) =>
    Object.fromEntries(pacesOf(runtimeConfigSchema.parse({ pacing: input }).pacing, { worker, provider }));
  expect(paces({}, "codex", "openai")).toEqual({ "provider:openai": 100, "worker:codex": 0 });
  expect(paces({}, "shell", null)).toEqual({ "worker:shell": 0 });
  const set = {
    provider_interval: "0ms",
    providers: { openai: { min_interval: "2s" } },
    workers: { codex: { min_interval: "1s" } },
  };
  expect(paces(set, "codex", "openai")).toEqual({ "provider:openai": 2000, "worker:codex": 1000 });
  expect(paces(set, "claude-code", "anthropic")).toEqual({
    "provider:anthropic": 0,
    "worker:claude-code": 0,
  });
});
