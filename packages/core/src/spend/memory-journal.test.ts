import { expect, it } from "vitest";
import type { ProviderCall } from "@agentcore/contract";
import { createMemoryCallJournal } from "./memory-journal.ts";

const call = (id: string, changes: Partial<ProviderCall> = {}): ProviderCall => ({
  id,
  permitId: "permit-1",
  jobId: "job-1",
  attempt: 1,
  provider: "anthropic",
  protocol: "anthropic-messages",
  model: "claude-opus-4-5",
  startedAt: 1,
  endedAt: null,
  outcome: "open",
  status: null,
  usage: null,
  costMicroUsd: 500,
  tokens: 100,
  estimated: true,
  priceSource: null,
  ...changes,
});

it("keeps the calls of a permit in the order of their start, and replaces a call at its end", async () => {
  const journal = createMemoryCallJournal();
  await journal.begin(call("a"));
  await journal.begin(call("b"));
  await journal.begin(call("other", { permitId: "permit-2" }));
  const ended = call("a", { outcome: "completed", endedAt: 2, costMicroUsd: 3 });
  await journal.end(ended);
  expect(await journal.calls("permit-1")).toEqual([ended, call("b")]);
  expect(await journal.calls("permit-3")).toEqual([]);
});

it("rejects a call that begins twice, and the end of a call that has not begun", async () => {
  const journal = createMemoryCallJournal();
  await journal.begin(call("a"));
  await expect(journal.begin(call("a"))).rejects.toMatchObject({ code: "AC_INTERNAL" });
  await expect(journal.end(call("b"))).rejects.toMatchObject({ code: "AC_INTERNAL" });
});
