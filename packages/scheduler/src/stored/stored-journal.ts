/** Streams of the journal as stores on SQL keep them. What is damaged affects its own stream and no other. */
import { AgentCoreError, jsonOr } from "@agentcore/contract";
import type { JournalHeader, JournalValue } from "../journal.ts";

/** Null if the header cannot be read. */
export function headerOf(json: unknown): JournalHeader | null {
  const header = jsonOr(json, null);
  return typeof header === "object" && !Array.isArray(header) ? (header as JournalHeader | null) : null;
}

/** Throws `AC_STORE_CORRUPT`, which names what to restore a backup of. */
export function readableHeaderOf(stream: string, json: unknown, backupOf: string): JournalHeader {
  const header = headerOf(json);
  if (header === null) throw damaged(`the header of ${stream}`, backupOf);
  return header;
}

/** As `readableHeaderOf`. */
export function readableEntriesOf(
  stream: string,
  texts: readonly unknown[],
  backupOf: string,
): readonly JournalValue[] {
  return texts.map((json, position) => {
    const entry = jsonOr(json, undefined) as JournalValue | undefined;
    if (entry === undefined) throw damaged(`entry ${position} of ${stream}`, backupOf);
    return entry;
  });
}

function damaged(what: string, backupOf: string): AgentCoreError {
  return new AgentCoreError(
    "AC_STORE_CORRUPT",
    `${what} cannot be read: restore a backup of ${backupOf}, or start a new run`,
  );
}
