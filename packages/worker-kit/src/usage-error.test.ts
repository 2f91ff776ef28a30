import { expect, it } from "vitest";
import { usageErrorOf } from "./usage-error.ts";

it.each([
  "error: unknown option '--bogus'",
  "error: unexpected argument '--bogus' found",
  "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons",
  "error: invalid value 'x' for '--sandbox <SANDBOX_MODE>'",
  "Error: Input must be provided either through stdin or as a prompt argument when using --print",
  "\u001B[91m\u001B[1mError: \u001B[0mUnknown argument: bogus",
])("recognizes %j", (line) => {
  expect(usageErrorOf(line)).toMatchObject({ class: "invalid_request", status: null });
});

it.each([
  "",
  "error while loading shared libraries: libx.so",
  "ERROR codex_core::session: failed",
  "warning: unknown",
])("leaves %j alone", (line) => {
  expect(usageErrorOf(line)).toBeNull();
});
