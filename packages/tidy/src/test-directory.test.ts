import { tmpdir } from "node:os";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { forgottenIn } from "./test-directory.ts";

test("what a test forgot is told from what helpers leave on purpose", () => {
  const names = [
    "agentcore-testing-4711",
    "agentcore-test-compile-cache",
    "agentcore-attempt-a1b2c3",
    "agentcore-testing-x",
  ];
  expect(forgottenIn(names)).toEqual(["agentcore-attempt-a1b2c3", "agentcore-testing-x"]);
  expect(forgottenIn([])).toEqual([]);
});

test("this run has a temporary directory of its own", () => {
  expect(basename(tmpdir())).toMatch(/^agentcore-tests-/);
});
