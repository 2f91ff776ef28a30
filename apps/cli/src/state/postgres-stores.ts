/** The stores of a PostgreSQL database that several machines share. Loaded only where one is configured. */
import {
  createPostgresCallJournal,
  createPostgresJobStore,
  createPostgresJournal,
  createPostgresLedger,
  createPostgresTokenStore,
  createPostgresTriggerStore,
  openPostgresStore,
  readCallSpend,
  readSpend,
} from "@agentcore/store-postgres";
export { probePostgres } from "@agentcore/store-postgres";
import { watchOwners } from "./registered-owners.ts";
import type { StateStores } from "./stores.ts";

/** Makes or migrates the tables. Rejects with `AC_STORE_…`. */
export async function openPostgresStores(url: string): Promise<StateStores> {
  const store = await openPostgresStore({ url });
  const jobs = createPostgresJobStore(store);
  let stopWatching: () => void;
  try {
    stopWatching = await watchOwners(jobs);
  } catch (error) {
    await store.close();
    throw error;
  }
  return {
    jobs,
    journal: createPostgresJournal(store),
    ledger: createPostgresLedger(store),
    calls: createPostgresCallJournal(store),
    triggers: createPostgresTriggerStore(store),
    tokens: createPostgresTokenStore(store),
    readSpend: (query) => readSpend(store, query),
    readCallSpend: (query) => readCallSpend(store, query),
    get isFailing() {
      return store.isFailing;
    },
    close: () => {
      stopWatching();
      return store.close();
    },
  };
}
