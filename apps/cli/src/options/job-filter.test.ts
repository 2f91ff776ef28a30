import { describe, expect, it } from "vitest";
import { queryOf, readWhere, whereFields, type Condition } from "./job-filter.ts";

const now = Date.UTC(2026, 4, 10);
const day = 86_400_000;

const conditions = (...texts: string[]): Condition[] =>
  texts.reduce<Condition[]>((before, text) => readWhere(text, before), []);

it.each([
  [["worker=codex"], { worker: "codex" }],
  [["workspace=/w/a=b", "text=fix it"], { workspace: "/w/a=b", text: "fix it" }],
  [["code=AC_TIMEOUT"], { code: "AC_TIMEOUT" }],
  [["error_class=rate_limited"], { errorClass: "rate_limited" }],
  [["key=a=b"], { key: "a=b" }],
  [["tenant=acme"], { tenant: "acme" }],
  [["label.team=core", "label.a.b=x"], { labels: { team: "core", "a.b": "x" } }],
  [["label.a=1", "label.__proto__=x"], { labels: JSON.parse('{"a":"1","__proto__":"x"}') as object }],
  [["ended_before=7d"], { endedBefore: now - 7 * day }],
  [["ended_after=2026-05-01"], { endedAfter: now - 9 * day }],
  [["submitted_before=2026-05-01T12:00"], { submittedBefore: now - 8.5 * day }],
  [["submitted_after=2026-05-01T12:00+02:00"], { submittedAfter: now - 8.5 * day - 7_200_000 }],
  [["worker=codex", "code=AC_TIMEOUT"], { worker: "codex", code: "AC_TIMEOUT" }],
  [[], {}],
])("%j asks for %j", (texts, query) => {
  expect(queryOf(conditions(...texts), now)).toEqual(query);
});

it.each(whereFields.filter((field) => !field.endsWith(".")))("%s stands for a part of the query", (field) => {
  const values: Record<string, string> = { code: "AC_TIMEOUT", error_class: "lost" };
  const query = queryOf(conditions(`${field}=${values[field] ?? "1d"}`), now);
  expect(Object.keys(query)).toHaveLength(1);
});

describe("is refused with what there is:", () => {
  it.each([
    [
      "wroker=x",
      '"wroker" is not a field; there are worker, workspace, text, code, error_class, key, tenant, submitted_before, ' +
        'submitted_after, ended_before, ended_after, label.NAME; did you mean "worker"?',
    ],
    ["label.=x", '"label." is not a field'],
    ["toString=x", '"toString" is not a field'],
    ["worker", '"worker" is not FIELD=VALUE'],
    ["worker=", '"worker=" is not FIELD=VALUE'],
    ["=x", '"=x" is not FIELD=VALUE'],
    ["code=AC_TIMEOTU", 'there is no code "AC_TIMEOTU"; did you mean "AC_TIMEOUT"?'],
    ["error_class=rate_limit", 'there is no error class "rate_limit"; did you mean "rate_limited"?'],
    ["ended_before=7", '"7" is neither an age such as 7d nor a time such as 2026-05-01T12:00Z'],
    ["ended_before=2026-13-01", "neither an age"],
    ["ended_before=May 1", "neither an age"],
  ])("%s", (text, message) => {
    expect(() => readWhere(text)).toThrow(message);
  });

  it("a field given twice", () => {
    expect(() => conditions("worker=codex", "worker=shell")).toThrow("worker is given twice");
  });
});
