/** A temporary directory with a state database. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CounterLevel, Ledger } from "@agentcore/core";
import { openStateDatabase, type StateDatabase } from "@agentcore/store-sqlite";

export interface StateDirectory {
  readonly directory: string;
  readonly database: StateDatabase;
}

export async function inStateDirectory<T>(use: (state: StateDirectory) => Promise<T>): Promise<T> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-spend-")));
  const database = await openStateDatabase({ directory });
  try {
    return await use({ directory, database });
  } finally {
    await database.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

export async function tenantLevel(ledger: Ledger, tenant: string): Promise<CounterLevel> {
  const [level] = await ledger.levels([{ scope: `tenant:${tenant}`, window: "total", windowStart: 0 }]);
  if (level === undefined) throw new TypeError("no level of the tenant");
  return level;
}
