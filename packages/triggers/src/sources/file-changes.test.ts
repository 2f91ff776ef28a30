import { expect, it } from "vitest";
import type { FileChange } from "../definition.ts";
import { FileChanges } from "./file-changes.ts";

const all = ["create", "modify", "delete"] as const;

it.each<[readonly FileChange[], readonly FileChange[]]>([
  [["create", "modify"], ["create"]],
  [["create", "delete"], []],
  [["delete", "create"], ["modify"]],
  [["modify", "modify"], ["modify"]],
  [["modify", "delete"], ["delete"]],
  [["delete", "create", "delete"], ["delete"]],
  [["create", "delete", "create"], ["create"]],
])("%j of one path is %j", (events, expected) => {
  const changes = new FileChanges();
  for (const event of events) changes.add("a", event);
  expect(changes.take(all).changes.map(({ event }) => event)).toEqual(expected);
  expect(changes.isEmpty).toBe(true);
});

it("only the kinds that are asked for are taken", () => {
  const changes = new FileChanges();
  changes.add("a", "create");
  changes.add("b", "delete");
  expect(changes.take(["delete"])).toEqual({ changes: [{ path: "b", event: "delete" }], omitted: 0 });
});

it("paths are bounded in number and in bytes, and the rest is counted", () => {
  const changes = new FileChanges();
  for (let file = 0; file < 5000; file += 1) changes.add(`f${file}`, "create");
  const many = changes.take(all);
  expect([many.changes.length, many.omitted]).toEqual([1000, 4000]);
  for (let file = 0; file < 500; file += 1) changes.add(`${"d/".repeat(2000)}${file}`, "create");
  const long = changes.take(all);
  expect(long.changes.length).toBeLessThan(70);
  expect(long.changes.length + long.omitted).toBe(500);
});
