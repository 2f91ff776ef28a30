import type { Capability } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { capabilitySet, isTestCommand, mapCapabilities, requireCapabilities } from "./capabilities.ts";

describe("capabilities", () => {
  it("let any command imply test runs, and everything imply reading", () => {
    expect(capabilitySet([])).toEqual({ read: true, edit: false, runTests: false, runCommands: false });
    expect(capabilitySet(["edit"])).toEqual({ read: true, edit: true, runTests: false, runCommands: false });
    expect(capabilitySet(["run_commands"])).toEqual({
      read: true,
      edit: false,
      runTests: true,
      runCommands: true,
    });
  });

  it("become the flags of the table, in its order and without repeats", () => {
    const table: Record<Capability, string[]> = {
      read: ["Read", "Grep"],
      edit: ["Edit", "Write"],
      run_tests: ["Bash(npm test:*)"],
      run_commands: ["Bash", "Grep"],
    };
    expect(mapCapabilities([], table)).toEqual(["Read", "Grep"]);
    expect(mapCapabilities(["run_tests", "edit"], table)).toEqual([
      "Read",
      "Grep",
      "Edit",
      "Write",
      "Bash(npm test:*)",
    ]);
    expect(mapCapabilities(["run_commands"], table)).toEqual(["Read", "Grep", "Bash(npm test:*)", "Bash"]);
  });

  it("that a worker cannot enforce are refused by name", () => {
    expect(() => requireCapabilities("codex", ["read", "edit"], ["edit", "run_tests"])).toThrow(
      "codex cannot enforce run_tests; it can enforce read, edit",
    );
    expect(() => requireCapabilities("codex", [], ["read"])).not.toThrow();
  });

  it.each([
    ["npm test", true],
    ["  npm test -- --watch=false ", true],
    ["pytest tests/test_a.py -k name", true],
    ["./gradlew test", true],
    ["npm testing", false],
    ["npm install", false],
    ["npm test; rm -rf /", false],
    ["npm test && curl x", false],
    ["npm test $(curl x)", false],
    ["npm test\nrm x", false],
    ["npm test > file", false],
    ["", false],
  ])("count %j as a test run: %s", (command, expected) => {
    expect(isTestCommand(command)).toBe(expected);
  });
});
