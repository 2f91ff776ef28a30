/** The rig of one test and its queue, both until the end of that test. */
import { silentLog, systemClock, systemIds } from "@agentcore/contract";
import { type JobStore, QueueClient } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase, type StateDatabase } from "@agentcore/store-sqlite";
import { onTestFinished } from "vitest";
import { makeRig, type Rig, type RigOptions } from "./rig.ts";

export interface QueueOfTest {
  readonly database: StateDatabase;
  readonly store: JobStore;
  readonly client: QueueClient;
}

export async function queueOfTest({ stateDir }: Rig): Promise<QueueOfTest> {
  const database = await openStateDatabase({ directory: stateDir });
  onTestFinished(() => database.close());
  const store = createSqliteJobStore(database);
  const client = new QueueClient({ store, clock: systemClock, ids: systemIds, log: silentLog });
  onTestFinished(() => client.closeClient());
  return { database, store, client };
}

export async function rigOfTest(options: RigOptions = {}): Promise<Rig> {
  const rig = await makeRig(options);
  onTestFinished(() => rig.remove());
  return rig;
}
