import { describe, expect, it } from "vitest";
import { decideByExitCode, decideByFile, type CheckFacts } from "./decision.ts";

const startedAt = 1_700_000_000_000;
const facts = (rest: Partial<CheckFacts> = {}): CheckFacts => ({
  checkId: "check-7",
  startedAt,
  succeeded: true,
  exitCode: 0,
  summary: "said",
  file: null,
  ...rest,
});
const file = (content: unknown, modifiedAt = startedAt + 5) => ({
  file: { text: typeof content === "string" ? content : JSON.stringify(content), modifiedAt },
});
const old = startedAt - 1000;

describe("a shell check", () => {
  it.each<[string, Partial<CheckFacts>, string]>([
    ["exit 0 is complete", {}, "complete"],
    ["exit 1 is incomplete", { succeeded: false, exitCode: 1 }, "incomplete"],
    ["exit 2 is an error of the check", { succeeded: false, exitCode: 2 }, "undecided"],
    ["a timeout is an error of the check", { succeeded: false, exitCode: null }, "undecided"],
    [
      "its exit code wins over its file",
      { succeeded: false, exitCode: 1, ...file("COMPLETE") },
      "incomplete",
    ],
  ])("%s", (_name, rest, decision) => {
    expect(decideByExitCode(facts(rest)).decision).toBe(decision);
  });

  it("may say by its file what stands in the way", () => {
    const found = file({
      decision: "incomplete",
      check_id: "check-7",
      reasons: ["2 open"],
      fingerprints: ["a", 5, "b"],
    });
    expect(decideByExitCode(facts({ succeeded: false, exitCode: 1, ...found }))).toEqual({
      decision: "incomplete",
      reason: "2 open",
      fingerprints: ["a", "b"],
    });
  });
});

describe("a check that decides by its file", () => {
  it.each<[string, Partial<CheckFacts>, string]>([
    ["complete with its id", file({ decision: "complete", check_id: "check-7" }), "complete"],
    ["its id makes an old date good", file({ decision: "complete", check_id: "check-7" }, old), "complete"],
    ["another id is stale", file({ decision: "complete", check_id: "check-6" }), "undecided"],
    ["no id and new", file({ decision: "incomplete" }), "incomplete"],
    ["no id and old is stale", file({ decision: "complete" }, old), "undecided"],
    ["PASS on the first line", file("PASS\nall good\n"), "complete"],
    ["FAIL on the first line", file("FAIL\nno"), "incomplete"],
    ["an old first line is stale", file("PASS", old), "undecided"],
    ["prose is no decision", file("I think it is COMPLETE"), "undecided"],
    ["an unknown word is no decision", file({ decision: "maybe", check_id: "check-7" }), "undecided"],
    ["no file", {}, "undecided"],
    ["a worker that failed has not decided", { succeeded: false, ...file("PASS") }, "undecided"],
  ])("%s", (_name, rest, decision) => {
    expect(decideByFile(facts(rest)).decision).toBe(decision);
  });
});
