import { expect, it } from "vitest";
import { requireAllowedArgs, type AllowedArgs } from "./allowed-args.ts";

const allowed: AllowedArgs = {
  switches: ["--thinking"],
  values: ["--effort", "-e"],
  assignments: { flags: ["-c", "--config"], keys: ["model_verbosity", "tools.view"] },
};

it.each([
  [[]],
  [["--thinking"]],
  [["--effort", "high", "--thinking"]],
  [["--effort=high"]],
  [["--effort=--loud"]],
  [["-e", "high"]],
  [["-c", "model_verbosity=low"]],
  [["-c", "tools.view = true"]],
  [["--config=model_verbosity=low"]],
])("passes %j", (args) => {
  expect(() => requireAllowedArgs("codex", args, allowed)).not.toThrow();
});

it.each([
  ["a flag that is not listed", ["--sandbox", "x"]],
  ["a flag that only begins like one", ["--efforts", "high"]],
  ["the short form of a flag with its value attached", ["-ehigh"]],
  ["another spelling of a flag", ["--Effort", "high"]],
  ["a switch with a value", ["--thinking=no"]],
  ["a word of its own, which is a prompt or a command", ["resume"]],
  ["what ends the flags", ["--", "--sandbox"]],
  ["a flag in the place of a value", ["--effort", "--auto"]],
  ["a value that is missing", ["--effort"]],
  ["a key that is not listed", ["-c", "sandbox_mode=x"]],
  ["a key below one that is listed", ["-c", "tools.view.deep=x"]],
  ["a key in quotes", ["-c", '"sandbox_mode"=x']],
  ["no key at all", ["-c", "x"]],
  ["an empty argument", [""]],
])("refuses %s", (_what, args) => {
  expect(() => requireAllowedArgs("codex", args, allowed)).toThrow(
    expect.objectContaining({ code: "AC_JOB_INVALID", message: expect.stringContaining("codex") }),
  );
});

it("says what may be there instead", () => {
  expect(() => requireAllowedArgs("codex", ["--auto"], allowed)).toThrow(
    /may not hold --auto for codex: it may hold --thinking, --effort, -e, -c, --config/,
  );
  expect(() => requireAllowedArgs("codex", ["--effort", "--auto"], allowed)).toThrow(
    /write --effort=--auto if that is its value/,
  );
});
