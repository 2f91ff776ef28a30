import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { contentsOf, forgottenIn } from "./test-directory.ts";

it("what a test forgot is told from what helpers leave on purpose", () => {
  const names = [
    "agentcore-testing-4711",
    "agentcore-test-program",
    "agentcore-attempt-a1b2c3",
    "agentcore-testing-x",
  ];
  expect(forgottenIn(names)).toEqual(["agentcore-attempt-a1b2c3", "agentcore-testing-x"]);
  expect(forgottenIn([])).toEqual([]);
});

it("what lies in a forgotten directory is named, as far as it tells whose it was", () => {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-contents-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const name of ["a", "b", "c", "d", "e", "f"]) writeFileSync(join(directory, name), "");
  expect(contentsOf(directory)).toBe(" (a, b, c, d, e, 1 more)");
  expect(contentsOf(join(directory, "a"))).toBe("");
});

it("this run has a temporary directory of its own", () => {
  expect(basename(tmpdir())).toMatch(/^agentcore-tests-/);
});
