/**
 * Inspects a database file before anything is written to it, and decides how to open it. It uses plain reads and a
 * read-only connection, so a refused file stays unchanged (SQLite may add an empty log and its index beside it).
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { errorText } from "@agentcore/contract";
import type { SqliteConnection, SqliteDriver } from "./driver.ts";
import { applicationId } from "./schema.ts";
import { createSql } from "./sql.ts";
import { failureOf } from "./sqlite-error.ts";

export type FileFacts =
  | { readonly kind: "absent"; readonly orphanedLog: boolean }
  | { readonly kind: "damaged"; readonly reason: string }
  | { readonly kind: "database"; readonly schemaVersion: number };

export type OpeningDecision =
  | { readonly kind: "create" }
  | { readonly kind: "open" }
  | { readonly kind: "migrate" }
  | { readonly kind: "refuse-newer"; readonly schemaVersion: number }
  | { readonly kind: "refuse-older"; readonly schemaVersion: number }
  | { readonly kind: "refuse-damaged"; readonly reason: string };

/** `ours` is the version that this code writes, `oldest` the first version that it can migrate. */
export function decideOpening(facts: FileFacts, ours: number, oldest: number): OpeningDecision {
  switch (facts.kind) {
    case "absent":
      // SQLite would replay the old log into the new file, and mix two databases.
      return facts.orphanedLog
        ? { kind: "refuse-damaged", reason: "its write-ahead log is there, but the database is missing" }
        : { kind: "create" };
    case "damaged":
      return { kind: "refuse-damaged", reason: facts.reason };
    case "database":
      if (facts.schemaVersion > ours) return { kind: "refuse-newer", schemaVersion: facts.schemaVersion };
      if (facts.schemaVersion < oldest) return { kind: "refuse-older", schemaVersion: facts.schemaVersion };
      return facts.schemaVersion < ours ? { kind: "migrate" } : { kind: "open" };
  }
}

/** How thoroughly a file is checked when it is opened. */
export type StartCheck =
  /** Header, length, schema and, up to {@link quickCheckBytesMax}, the structure of every page. */
  | "quick"
  /** Header, length and schema only. */
  | "header";

/** A larger file is not read in full at every start, which would take 10 ms or more; see `checkIntegrity`. */
export const quickCheckBytesMax = 8 * 1024 * 1024;

const headerBytes = 100;
const magic = "SQLite format 3\0";
const pageSizeOffset = 16;
const pageCountOffset = 28;
const applicationIdOffset = 68;

/** Throws the error of the system or the driver if the file cannot be read now. */
export function inspectFile(driver: SqliteDriver, path: string, check: StartCheck): FileFacts {
  const size = sizeOf(path);
  const hasLog = (sizeOf(`${path}-wal`) ?? 0) > 0;
  if (size === undefined) return { kind: "absent", orphanedLog: hasLog };
  // With a log, the file may be smaller than its header says.
  const flaw = flawOfHeader(readHeader(path), hasLog ? Infinity : size);
  if (flaw !== null) return { kind: "damaged", reason: flaw };
  const connection = driver.open(path, { readOnly: true });
  try {
    connection.exec("PRAGMA busy_timeout = 0");
    return inspectContents(connection, check === "quick" && size <= quickCheckBytesMax);
  } catch (error) {
    // Our statement fails only if our tables are not what they must be.
    const failure = failureOf(error);
    if (failure === "busy" || failure === "unavailable") throw error;
    return { kind: "damaged", reason: errorText(error) };
  } finally {
    connection.close();
  }
}

function inspectContents(connection: SqliteConnection, everyPage: boolean): FileFacts {
  const sql = createSql(connection);
  const newest = sql.get("SELECT max(version) AS version FROM schema_version");
  if (typeof newest?.version !== "number") {
    return { kind: "damaged", reason: "its schema version is missing" };
  }
  const flaws = everyPage ? integrityFlaws(connection, "quick_check") : [];
  return flaws.length > 0
    ? { kind: "damaged", reason: flaws.join("; ") }
    : { kind: "database", schemaVersion: newest.version };
}

/** The problems that SQLite finds; empty if there are none. `integrity_check` also compares indexes with their tables. */
export function integrityFlaws(
  connection: Pick<SqliteConnection, "prepare">,
  check: "quick_check" | "integrity_check",
): readonly string[] {
  const rows = connection.prepare(`PRAGMA ${check}(5)`).all();
  return rows.map((row) => String(Object.values(row)[0])).filter((line) => line !== "ok");
}

function flawOfHeader(header: Buffer, size: number): string | null {
  if (header.length < headerBytes) return `it has only ${header.length} bytes of its header`;
  if (header.toString("latin1", 0, magic.length) !== magic) return "it is not a SQLite database";
  if (header.readUInt32BE(applicationIdOffset) !== applicationId) {
    return "it is a SQLite database, but not one of AgentCore";
  }
  const bytes = header.readUInt16BE(pageSizeOffset) * header.readUInt32BE(pageCountOffset);
  return size < bytes ? `it has ${size} of its ${bytes} bytes` : null;
}

function readHeader(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const header = Buffer.alloc(headerBytes);
    return header.subarray(0, readSync(file, header, 0, headerBytes, 0));
  } finally {
    closeSync(file);
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
