import { expect, it } from "vitest";
import { cureOf } from "./cures.ts";
import { errorCodes, type ErrorCode } from "./error-codes.ts";
import { AgentCoreError } from "./errors.ts";

const codes = Object.keys(errorCodes) as ErrorCode[];
/** Thrown by commands, the daemon and its API, and never by the library. */
const notOfTheLibrary =
  /^AC_(?:API|DAEMON|TRIGGER|TRIGGERS|EVENT|EVENTS|FIRING|TOPIC|TOKEN|TOKENS|ADDRESS|HOST)_|^AC_WORKFLOW_ONLY$/;

it.each(codes.filter((code) => !notOfTheLibrary.test(code)))(
  "the cure of %s for a program names no option and no command of the command line",
  (code) => {
    const { cure } = new AgentCoreError(code, "m");
    expect(cure).toBe(cureOf(code, "library"));
    // `doctor` examines the machine, and `trust` the user's files: no function of the library does.
    const commands = [...cure.matchAll(/--[a-z][\w-]*|agentcore (?!doctor)[a-z]+/g)].map(([text]) => text);
    expect(commands).toEqual([]);
  },
);

it("the command line keeps its own words", () => {
  expect(cureOf("AC_TIMEOUT", "command line")).toBe(errorCodes.AC_TIMEOUT.cure);
  expect(cureOf("AC_TIMEOUT", "command line")).toContain("--timeout");
  expect(cureOf("AC_UNHEARD_OF", "library")).toBe("");
  expect(cureOf(null, "library")).toBe("");
});
