import { createManualClock, type ManualClock } from "@agentcore/core/testing";
import { until } from "@agentcore/contract/testing";
import { loopWentRound } from "@agentcore/contract";
import { expect, it } from "vitest";
import { Pacing } from "./pacing.ts";

const { signal } = new AbortController();

/** Starts `count` turns and returns which of them have come. */
function startTurns(pacing: Pacing, count: number, tokens = 0, model: string | null = null): number[] {
  const come: number[] = [];
  for (let index = 0; index < count; index += 1)
    void pacing.turn(model, tokens, signal).then(() => come.push(index));
  return come;
}

/** Moves the clock once the turn that is next waits for it. */
async function advance(clock: ManualClock, ms: number): Promise<void> {
  await until(() => clock.pendingTimers === 1);
  clock.advance(ms);
}

it("lets a minute's worth of requests go at once, and the others one by one, in their order", async () => {
  const clock = createManualClock();
  const come = startTurns(new Pacing({ requests_per_minute: 6 }, clock), 9);
  await loopWentRound();
  expect(come).toEqual([0, 1, 2, 3, 4, 5]);
  for (const next of [6, 7, 8]) {
    await advance(clock, 9_000);
    await loopWentRound();
    expect(come).not.toContain(next);
    await advance(clock, 1_050);
    await until(() => come.at(-1) === next);
  }
});

it("counts the tokens that were used in place of those that were expected", async () => {
  const clock = createManualClock();
  const pacing = new Pacing({ tokens_per_minute: 1000 }, clock);
  const used = await pacing.turn(null, 100, signal);
  // It used twice a minute's worth.
  used(2000);
  const come = startTurns(pacing, 1, 100);
  await advance(clock, 60_000);
  await loopWentRound();
  expect(come).toEqual([]);
  await advance(clock, 7_000);
  await until(() => come.length === 1);
});

it("a request for more than a minute's worth goes when a minute's worth is saved up", async () => {
  const clock = createManualClock();
  const come = startTurns(new Pacing({ tokens_per_minute: 1000 }, clock), 2, 5000);
  await loopWentRound();
  expect(come).toEqual([0]);
  await advance(clock, 4 * 60_000);
  await loopWentRound();
  expect(come).toEqual([0]);
  await advance(clock, 60_000 + 1000);
  await until(() => come.length === 2);
});

it("keeps a model's own rate beside that of the provider", async () => {
  const clock = createManualClock();
  const pacing = new Pacing({ models: { opus: { requests_per_minute: 1 } } }, clock);
  const opus = startTurns(pacing, 2, 0, "opus");
  const other = startTurns(pacing, 5, 0, "haiku");
  await loopWentRound();
  expect([opus, other]).toEqual([[0], [0, 1, 2, 3, 4]]);
});

it("a request that gives up takes no turn of another", async () => {
  const clock = createManualClock();
  const pacing = new Pacing({ requests_per_minute: 1 }, clock);
  await pacing.turn(null, 0, signal);
  const controller = new AbortController();
  const given = pacing.turn(null, 0, controller.signal);
  const come = startTurns(pacing, 1);
  controller.abort();
  await given;
  await advance(clock, 60_000);
  await until(() => come.length === 1);
  expect(come).toEqual([0]);
});

it("holds back requests for a model while the provider asks for a pause of up to a minute", async () => {
  const clock = createManualClock();
  const pacing = new Pacing({}, clock);
  pacing.pause("opus", 5_000);
  pacing.pause("haiku", 3_600_000);
  const opus = startTurns(pacing, 1, 0, "opus");
  const haiku = startTurns(pacing, 1, 0, "haiku");
  await loopWentRound();
  expect([opus, haiku]).toEqual([[], [0]]);
  clock.advance(5_000);
  await loopWentRound();
  expect(opus).toEqual([0]);
});
