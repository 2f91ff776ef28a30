/**
 * A state directory as an earlier version left it when it was killed: jobs that wait, one that failed, and a workflow run whose
 * second of three steps was running. Its database is kept as a dump, its files as text.
 *
 * Made with commit 9c9fd3bc, which wrote version 5 of the database: `agentcore run`, `submit` three times, then `workflow run`, killed with
 * SIGKILL.
 */
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Scratch } from "./agentcore-process.ts";

/** "AgCo" */
const applicationId = 0x4167436f;
const dump = "state/state.sql";

/** Ids of what is in it. */
export const earlierJobs = {
  failed: "01a22c60-aad3-7000-85f7-1eb7a19ca6da",
  waiting: [
    "01a22c60-ce7d-7000-8f58-2661ab8e4224",
    "01a22c60-ec7b-7000-9791-b79a45fcf328",
    "01a22c61-0e0e-7000-9493-e8c1c9471bf1",
  ],
  run: "01a22c61-3ece-7000-aa8a-a2f3a1d30c65",
} as const;

/** Writes it into the scratch directory, as if its process had died on this machine. */
export function writeEarlierState({ root, stateDir, workspace }: Scratch): void {
  const kept = readFileSync(new URL("state-of-version-5.json", import.meta.url), "utf8");
  const values: Readonly<Record<string, string>> = {
    "@ROOT@/state": stateDir,
    "@ROOT@/workspace": workspace,
    "@ROOT@": root,
    "@BOOT@": readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    "@NAMESPACE@": readlinkSync("/proc/self/ns/pid"),
    "@HOST@": hostname(),
  };
  const filled = (text: string): string =>
    Object.entries(values).reduce((now, [mark, value]) => now.replaceAll(mark, value), text);
  const directories: Readonly<Record<string, string>> = { state: stateDir, workspace };
  for (const [name, text] of Object.entries(JSON.parse(kept) as Record<string, string>)) {
    const [top = "", ...rest] = name.split("/");
    const path = join(directories[top] ?? root, ...rest);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (name === dump) writeDatabase(join(stateDir, "state.db"), filled(text));
    else writeFileSync(path, filled(text));
  }
}

function writeDatabase(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(
    `PRAGMA application_id = ${applicationId}; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF`,
  );
  database.exec(sql);
  database.close();
}
