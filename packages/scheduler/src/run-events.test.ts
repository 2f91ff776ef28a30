import { describe, expect, it } from "vitest";
import { type RunEvent, silentLog } from "@agentcore/contract";
import { bufferedEventsMax, RunEvents } from "./run-events.ts";

const output = (n: number): RunEvent => ({
  type: "worker_event",
  jobId: "j",
  at: n,
  attempt: 1,
  event: { type: "text", text: `${n}` },
});
const ended: RunEvent = { type: "job_ended", jobId: "j", at: 9, outcome: "succeeded", attempts: 1 };

describe("run events", () => {
  it("reach those who listen to everything and those who listen to their job", () => {
    const events = new RunEvents(silentLog);
    const [all, mine, other]: [RunEvent[], RunEvent[], RunEvent[]] = [[], [], []];
    events.subscribe((event) => all.push(event));
    const stop = events.subscribe((event) => mine.push(event), "j");
    events.subscribe((event) => other.push(event), "k");
    events.publish(ended);
    stop();
    events.publish(ended);
    expect([all.length, mine.length, other.length]).toEqual([2, 1, 0]);
  });

  it("reach the others when a listener throws", () => {
    const messages: string[] = [];
    const events = new RunEvents({ ...silentLog, error: (_fields, message) => messages.push(message) });
    let heard = 0;
    events.subscribe(() => {
      throw new RangeError("thrown by a listener");
    });
    events.subscribe(() => (heard += 1));
    events.publish(ended);
    expect(heard).toBe(1);
    expect(messages).toEqual(["a listener of run events threw"]);
  });

  it("are worth nothing where nobody listens", () => {
    const events = new RunEvents(silentLog);
    expect(events.isHeard("j")).toBe(false);
    const stop = events.subscribe(() => {}, "j");
    expect(events.isHeard("j")).toBe(true);
    stop();
    expect(events.isHeard("j")).toBe(false);
  });

  it("are bounded for a slow consumer, which is told how much output it missed and gets every decision", async () => {
    const events = new RunEvents(silentLog);
    const { events: following } = events.follow("j");
    for (let n = 0; n < bufferedEventsMax + 500; n += 1) events.publish(output(n));
    events.publish(ended);
    const seen: RunEvent[] = [];
    for await (const event of following) seen.push(event);
    expect(seen.length).toBe(bufferedEventsMax + 2);
    expect(seen.at(-2)).toMatchObject({ type: "events_dropped", count: 500 });
    expect(seen.at(-1)).toEqual(ended);
    expect(events.isHeard("j")).toBe(false);
  });

  it("stop where the consumer leaves its loop", async () => {
    const events = new RunEvents(silentLog);
    const { events: following } = events.follow("j");
    events.publish(output(1));
    for await (const event of following) {
      expect(event.type).toBe("worker_event");
      break;
    }
    expect(events.isHeard("j")).toBe(false);
    expect(await following.next()).toEqual({ done: true, value: undefined });
  });
});
