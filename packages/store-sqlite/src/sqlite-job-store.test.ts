import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobStore } from "@agentcore/scheduler";
import {
  type SharedStoreHarness,
  jobStoreConformance,
  sharedJobStoreConformance,
} from "@agentcore/scheduler/testing";
import { afterAll, describe, expect, test } from "vitest";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { openStateDatabase } from "./state-database.ts";
import { stateFlaws } from "./testing/state-flaws.ts";

const root = await mkdtemp(join(tmpdir(), "agentcore-jobs-"));
afterAll(() => rm(root, { recursive: true }));

const directories = new WeakMap<JobStore, string>();

/** A store whose file is looked at when it is closed: whatever a case did, it must be sound. */
async function openIn(directory: string): Promise<JobStore> {
  const database = await openStateDatabase({ directory });
  let checked: Promise<void> | undefined;
  const store: JobStore = {
    ...createSqliteJobStore(database),
    close() {
      checked ??= stateFlaws(database).then(async (flaws) => {
        await database.close();
        expect(flaws).toEqual([]);
      });
      return checked;
    },
  };
  directories.set(store, directory);
  return store;
}

const harness: SharedStoreHarness = {
  open: async () => openIn(await mkdtemp(join(root, "store-"))),
  connect: (to) => openIn(directories.get(to) ?? root),
};

describe("the SQLite job store meets the port's conformance suite", () => {
  test.each([...jobStoreConformance, ...sharedJobStoreConformance])("$name", async ({ run }) => {
    await expect(run(harness)).resolves.toBeUndefined();
  });
});
