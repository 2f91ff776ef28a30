/**
 * The one door to the state: jobs, journal, ledger, metered calls, triggers and tokens, opened together. No other file of the
 * program knows which store is behind it.
 */
import type { CallJournal, Ledger, SpendReader } from "@agentcore/core";
import type { Journal, JobStore } from "@agentcore/scheduler";
import {
  createSqliteCallJournal,
  createSqliteJobStore,
  createSqliteJournal,
  createSqliteLedger,
  createSqliteTokenStore,
  createSqliteTriggerStore,
  openStateDatabase,
  readCallSpend,
  readSpend,
  type StateDatabase,
} from "@agentcore/store-sqlite";
import type { PostgresProbe } from "@agentcore/store-postgres";
import type { TokenStore, TriggerStore } from "@agentcore/triggers";
import { noteSharedStore, requireNoSharedStore } from "./shared-store-note.ts";
import type { StateDir } from "./state-dir.ts";

export { takeProcessLock, type ProcessLock } from "@agentcore/store-sqlite";

export type SharedStoreProbe = PostgresProbe;

export interface StateStores extends SpendReader {
  readonly jobs: JobStore;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly calls: CallJournal;
  readonly triggers: TriggerStore;
  readonly tokens: TokenStore;
  /** Whether the last write could not be made durable, such as on a full disk. */
  readonly isFailing: boolean;
  /** Waits for earlier writes. Idempotent; other calls afterwards reject. */
  close(): Promise<void>;
}

/** Creates or migrates what is missing. Rejects with `AC_STORE_…`, and with `AC_USAGE` if the state is in a shared store. */
export async function openStores(state: Pick<StateDir, "path" | "store">): Promise<StateStores> {
  if (state.store !== null) {
    const { openPostgresStores } = await import("./postgres-stores.ts");
    const stores = await openPostgresStores(state.store);
    noteSharedStore(state.path, state.store);
    return stores;
  }
  requireNoSharedStore(state.path);
  return sqliteStores(await openStateDatabase({ directory: state.path }));
}

function sqliteStores(database: StateDatabase): StateStores {
  return {
    jobs: createSqliteJobStore(database),
    journal: createSqliteJournal(database),
    ledger: createSqliteLedger(database),
    calls: createSqliteCallJournal(database),
    triggers: createSqliteTriggerStore(database),
    tokens: createSqliteTokenStore(database),
    readSpend: (query) => readSpend(database, query),
    readCallSpend: (query) => readCallSpend(database, query),
    get isFailing() {
      return database.isFailing;
    },
    close: () => database.close(),
  };
}

/** Looks at a shared store without a change. Rejects with `AC_STORE_…`. */
export async function probeSharedStore(url: string): Promise<SharedStoreProbe> {
  const { probePostgres } = await import("./postgres-stores.ts");
  return probePostgres({ url });
}

/** Writes a consistent copy of the database of a state directory to a file that must not exist. Others may write meanwhile. */
export async function copyStateDatabase(state: Pick<StateDir, "path">, path: string): Promise<void> {
  const database = await openStateDatabase({ directory: state.path });
  try {
    await database.backup(path);
  } finally {
    await database.close();
  }
}
