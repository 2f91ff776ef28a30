import { DatabaseSync } from "node:sqlite";
import { AgentCoreError } from "@agentcore/contract";
import { expect, it } from "vitest";
import { failureOf, storeErrorOf } from "./sqlite-error.ts";

function sqliteError(errcode: number): Error {
  return Object.assign(new Error("from SQLite"), { code: "ERR_SQLITE_ERROR", errcode });
}

it.each([
  ["SQLITE_BUSY", 5, "busy", "AC_STORE_UNAVAILABLE"],
  ["SQLITE_BUSY_SNAPSHOT", 517, "busy", "AC_STORE_UNAVAILABLE"],
  ["SQLITE_NOMEM", 7, "unavailable", "AC_STORE_UNAVAILABLE"],
  ["SQLITE_READONLY", 8, "unavailable", "AC_STORE_UNAVAILABLE"],
  ["SQLITE_IOERR_FSYNC", 1034, "unavailable", "AC_STORE_UNAVAILABLE"],
  ["SQLITE_CORRUPT", 11, "corrupt", "AC_STORE_CORRUPT"],
  ["SQLITE_FULL", 13, "unavailable", "AC_STORE_UNAVAILABLE"],
  ["SQLITE_CANTOPEN", 14, "unavailable", "AC_STORE_UNAVAILABLE"],
  ["SQLITE_NOTADB", 26, "corrupt", "AC_STORE_CORRUPT"],
  ["SQLITE_CONSTRAINT_UNIQUE", 2067, "statement", "AC_INTERNAL"],
] as const)("%s (%d) is %s and reaches a caller as %s", (_name, errcode, failure, code) => {
  const error = sqliteError(errcode);
  expect(failureOf(error)).toBe(failure);
  const told = storeErrorOf(error, "/state/state.db");
  expect(told.code).toBe(code);
  expect(told.message).toContain("/state/state.db");
  expect(told.cause).toBe(error);
});

it("what node:sqlite really throws is recognized", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE t (x UNIQUE); INSERT INTO t VALUES (1)");
  expect(() => database.exec("INSERT INTO t VALUES (1)")).toThrow(
    expect.toSatisfy((error: unknown) => failureOf(error) === "statement"),
  );
  database.close();
});

it("a full disk or a missing permission met outside SQLite is the store's unavailability, too", () => {
  const error = Object.assign(new Error("ENOSPC: no space left on device, write"), {
    code: "ENOSPC",
    syscall: "write",
  });
  expect(storeErrorOf(error, "/state/state.db").code).toBe("AC_STORE_UNAVAILABLE");
});

it("an error of ours passes as it is", () => {
  const error = new AgentCoreError("AC_KEY_HELD", "held");
  expect(storeErrorOf(error, "/state/state.db")).toBe(error);
});
