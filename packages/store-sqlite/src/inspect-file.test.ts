import { expect, it } from "vitest";
import { type FileFacts, type OpeningDecision, decideOpening } from "./inspect-file.ts";

const table: readonly (readonly [string, FileFacts, OpeningDecision["kind"]])[] = [
  ["no file", { kind: "absent", orphanedLog: false }, "create"],
  ["no file but its log", { kind: "absent", orphanedLog: true }, "refuse-damaged"],
  ["a damaged file", { kind: "damaged", reason: "torn" }, "refuse-damaged"],
  ["a schema too old", { kind: "database", schemaVersion: 1 }, "refuse-older"],
  ["an older schema", { kind: "database", schemaVersion: 2 }, "migrate"],
  ["this schema", { kind: "database", schemaVersion: 3 }, "open"],
  ["a newer schema", { kind: "database", schemaVersion: 4 }, "refuse-newer"],
];

it.each(table)("%s: %j → %s", (_name, facts, expected) => {
  expect(decideOpening(facts, 3, 2).kind).toBe(expected);
});
