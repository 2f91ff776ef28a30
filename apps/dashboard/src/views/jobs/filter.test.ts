import { expect, it } from "vitest";
import { conditionsOf, formOf, hasMore, isFiltered, labelsOf, selectionOf, withState } from "./filter.ts";

const now = Date.UTC(2026, 4, 10);
const form = (query: string) => formOf(new URLSearchParams(query));
const conditions = (query: string) => conditionsOf(form(query), "submittedAfter", now);

it.each([
  ["", {}],
  ["state=dead,running,nonsense", { state: ["running", "dead"] }],
  ["worker=+codex+&tenant=acme&key=k", { worker: "codex", tenant: "acme", key: "k" }],
  ["text=fix+it+", { text: "fix it " }],
  ["run=r1&label=team=core", { label: ["team=core", "workflow.run=r1"] }],
  ["id=4f2a91bc", { idEnding: "4f2a91bc" }],
  ["id=01890000-0000-7000-8000-00004f2a91bc", { id: "01890000-0000-7000-8000-00004f2a91bc" }],
  ["since=24h", { submittedAfter: "2026-05-09T00:00:00.000Z" }],
  ["since=sometime&before=x&unknown=1", {}],
])("the address %j asks for %j", (query, expected) => {
  expect(conditions(query)).toEqual(expected);
});

it("labels are separated by commas, but a value may have some", () => {
  expect(labelsOf("a=1, b=2,c=x, y ,, d=a=b")).toEqual(["a=1", "b=2", "c=x, y ,", "d=a=b"]);
  expect(labelsOf(" ")).toEqual([]);
});

it("a state is added and taken away, and the page goes with it", () => {
  expect(withState(form("state=dead"), "queued")).toEqual({ state: "dead,queued", before: null });
  expect(withState(form("state=dead"), "dead")).toEqual({ state: null, before: null });
});

it("knows whether anything is filtered, and by what is not in sight", () => {
  expect([isFiltered(form("before=x")), isFiltered(form("tenant=a"))]).toEqual([false, true]);
  expect(isFiltered(form("since=sometime&state=nonsense"))).toBe(false);
  expect([hasMore(form("text=a&worker=b")), hasMore(form("since=1h"))]).toEqual([false, true]);
});

it("without a condition everything is asked for by name", () => {
  expect(selectionOf({})).toEqual({ all: true });
  expect(selectionOf({ worker: "w" })).toEqual({ where: { worker: "w" } });
});
