import { expect, it } from "vitest";
import { storeCheck } from "./examine-store.ts";

const probe = {
  serverVersion: "15.18",
  oldestServer: 14,
  tablesVersion: 1,
  knownVersion: 1,
  roundTripMs: 0.42,
  clockAheadMs: 12,
  isPooled: false,
};

it.each([
  [
    {},
    "ok",
    "PostgreSQL 15.18, tables of version 1, 0.4 ms for a round trip, its clock agrees with this one",
    null,
  ],
  [
    { tablesVersion: null, isPooled: true },
    "ok",
    "no tables yet, 0.4 ms for a round trip, its clock agrees with this one, through a pooler",
    null,
  ],
  [{ serverVersion: "13.9" }, "bad", "PostgreSQL 13.9", "needs PostgreSQL 14 or later"],
  [{ tablesVersion: 2 }, "bad", "tables of version 2", "Update AgentCore"],
  [{ clockAheadMs: -3_600_000 }, "warn", "its clock is 1h behind this one", "Synchronize the clocks"],
  [{ clockAheadMs: 90_000 }, "warn", "its clock is 1m30s ahead of this one", "Synchronize the clocks"],
  [{ roundTripMs: 31 }, "warn", "31.0 ms for a round trip", "Put the database nearer"],
] as const)("%o is %s", (found, status, detail, cure) => {
  const check = storeCheck("postgres://agents@db/agentcore", { ...probe, ...found }, true);
  expect(check).toMatchObject({ id: "store", status, detail: expect.stringContaining(detail) });
  expect(check.detail).toMatch(/^postgres:\/\/agents@db\/agentcore: /);
  if (cure === null) expect(check.cure).toBeNull();
  else expect(check.cure).toContain(cure);
});

it("a host whose workers can outlive it is warned about", () => {
  const check = storeCheck("postgres://agents@db/agentcore", probe, false);
  expect(check).toMatchObject({
    status: "warn",
    cure: expect.stringContaining("Make the containment sealed"),
  });
});
