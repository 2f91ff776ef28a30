import { expect, it } from "vitest";
import { wants } from "./messages.ts";

it("a view gets the events of its topics, of its job, and of what workers say only what it asks for", () => {
  const output = (jobId: string, type: string) =>
    ({ topic: "output", document: { type: "worker_event", jobId, event: { type } } }) as const;
  const all = { topics: ["output"], job: "a" } as const;
  const calls = { ...all, workerEvents: ["calls", "usage"] } as const;
  expect(wants(all, output("a", "text"))).toBe(true);
  expect(wants(all, output("b", "text"))).toBe(false);
  expect(wants(calls, output("a", "text"))).toBe(false);
  expect(wants(calls, output("a", "usage"))).toBe(true);
  expect(wants(calls, output("b", "usage"))).toBe(false);
  expect(wants({ topics: ["jobs"] }, output("a", "text"))).toBe(false);
});
