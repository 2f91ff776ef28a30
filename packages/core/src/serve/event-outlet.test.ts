import type { WorkerEvent } from "@agentcore/contract";
import { expect, it } from "vitest";
import { createManualClock } from "../testing/manual-clock.ts";
import { EventOutlet } from "./event-outlet.ts";

function rigOf(window = 3) {
  const clock = createManualClock();
  const state = { isOpen: true };
  const sent: string[] = [];
  const outlet = new EventOutlet({
    window,
    clock,
    isOpen: () => state.isOpen,
    send: (seq, event) => sent.push(`${seq}:${event.type === "stdout" ? event.text : event.type}`),
  });
  const push = (from: number, to: number, text = "") => {
    for (let i = from; i <= to; i += 1) outlet.push({ type: "stdout", text: `${i}${text}` });
  };
  return { clock, state, sent, outlet, push };
}

it("a window of events goes out at once, and the rest as they are acknowledged", () => {
  const { sent, outlet, push } = rigOf();
  push(1, 7);
  expect(sent).toEqual(["1:1", "2:2", "3:3"]);
  outlet.acknowledge(1);
  expect(sent).toHaveLength(4);
  outlet.acknowledge(4);
  expect(sent).toEqual(["1:1", "2:2", "3:3", "4:4", "5:5", "6:6", "7:7"]);
});

it.each([0, 1, 4, 99, -1])("an acknowledgement of %d out of turn changes nothing", (seq) => {
  const { sent, outlet, push } = rigOf();
  push(1, 5);
  outlet.acknowledge(1);
  expect(sent).toHaveLength(4);
  outlet.acknowledge(seq === 4 ? 5 : seq);
  expect(sent).toHaveLength(4);
});

it("a full stream holds events back, and its drain lets them go", () => {
  const { state, sent, outlet, push } = rigOf();
  state.isOpen = false;
  push(1, 2);
  expect(sent).toEqual([]);
  state.isOpen = true;
  outlet.flush();
  expect(sent).toEqual(["1:1", "2:2"]);
});

it("the result waits for a client that keeps acknowledging, however slowly", async () => {
  const { clock, sent, outlet, push } = rigOf(1);
  push(1, 4);
  let finished = false;
  const finish = outlet.finish().then(() => {
    finished = true;
  });
  for (let seq = 1; seq <= 3; seq += 1) {
    clock.advance(1900);
    await Promise.resolve();
    expect(finished).toBe(false);
    outlet.acknowledge(seq);
  }
  await finish;
  expect(sent).toEqual(["1:1", "2:2", "3:3", "4:4"]);
  expect(clock.pendingTimers).toBe(0);
});

it("a client that acknowledges nothing is told how much it missed, and does not hold up the result", async () => {
  const { clock, sent, outlet, push } = rigOf(2);
  push(1, 10);
  const finish = outlet.finish();
  clock.advance(2000);
  await finish;
  expect(sent).toEqual(["1:1", "2:2", "3:raw"]);
});

it("what is held is bounded, and what is left out is counted in its place", () => {
  const { sent, outlet } = rigOf(1);
  const notices: WorkerEvent[] = [];
  const big = "x".repeat(1024 * 1024);
  const clock = createManualClock();
  const bounded = new EventOutlet({
    window: 1,
    clock,
    isOpen: () => true,
    send: (_seq, event) => event.type === "raw" && notices.push(event),
  });
  for (let i = 0; i < 100; i += 1) bounded.push({ type: "stdout", text: big });
  for (let seq = 1; seq <= 40; seq += 1) bounded.acknowledge(seq);
  expect(notices).toHaveLength(1);
  expect(notices[0]).toMatchObject({
    text: expect.stringMatching(/^8\d events were not sent/),
    truncated: true,
  });
  outlet.acknowledge(5);
  expect(sent).toEqual([]);
});
