import { expect, it } from "vitest";
import { AgentCoreError, type ErrorCode } from "@agentcore/contract";
import { createMemoryStore, type JobStore } from "@agentcore/scheduler";
import { watchStore } from "./watch-store.ts";

function failing(code: ErrorCode): JobStore {
  const refuse = async (): Promise<never> => {
    throw new AgentCoreError(code, "refused");
  };
  return { ...createMemoryStore(), settleAndClaim: refuse, heartbeat: refuse };
}

const settled = (promise: Promise<unknown>): Promise<unknown> =>
  Promise.race([promise, Promise.resolve("pending")]);

it("a store that will never take the change is told, and its error goes on", async () => {
  const { store, broken } = watchStore(failing("AC_STORE_CORRUPT"));
  await expect(store.settleAndClaim([])).rejects.toThrow("refused");
  expect(await settled(broken)).toMatchObject({ code: "AC_STORE_CORRUPT" });
});

it("one that will take no sign of life is told as well, so that idle work does not go on in vain", async () => {
  const { store, broken } = watchStore(failing("AC_STORE_GONE"));
  await expect(store.heartbeat("o")).rejects.toThrow("refused");
  expect(await settled(broken)).toMatchObject({ code: "AC_STORE_GONE" });
});

it("one that may take it later is not", async () => {
  const { store, broken } = watchStore(failing("AC_STORE_UNAVAILABLE"));
  await expect(store.settleAndClaim([])).rejects.toThrow("refused");
  expect(await settled(broken)).toBe("pending");
});

it("everything else is the store's own", async () => {
  const { store } = watchStore(createMemoryStore());
  expect(await store.settleAndClaim([])).toEqual({ settled: [], claimed: [], nextRunAt: null });
  expect(await store.get("nothing")).toBeUndefined();
});
