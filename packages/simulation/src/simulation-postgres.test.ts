/** The same worlds on a PostgreSQL server: its calls take time, during which the clock of the world stands still. */
import { testSeed } from "@agentcore/contract/testing";
import { testDatabase } from "@agentcore/store-postgres/testing";
import { expect, it, onTestFinished } from "vitest";
import { planOf, planOfMachines } from "./plan.ts";
import { simulate } from "./simulate.ts";
import { postgresStores } from "./stores.ts";

const from = testSeed("simulation on PostgreSQL");

it.each([
  { plan: planOf(from), where: "in one machine" },
  { plan: planOfMachines(from + 1), where: "on machines that share the database" },
])("scheduler and core do nothing wrong $where", async ({ plan }) => {
  const database = await testDatabase();
  onTestFinished(() => database.remove());
  const stores = await postgresStores(database.url, plan.processes);
  onTestFinished(() => stores.close());
  const { faults, attempts } = await simulate(plan.seed, undefined, { plan, stores });
  expect(faults).toEqual([]);
  expect(attempts).toBeGreaterThan(0);
});
