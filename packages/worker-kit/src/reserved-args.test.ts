import { expect, it } from "vitest";
import { refuseReservedArgs, type ReservedArgs } from "./reserved-args.ts";

const reserved: ReservedArgs = {
  flags: ["--sandbox", "-s"],
  assignments: { flags: ["-c", "--config"], keys: ["sandbox_mode", "features"] },
};

it.each([
  [["--sandbox", "x"]],
  [["--sandbox=x"]],
  [["-s", "x"]],
  [["-sx"]],
  [["-c", "sandbox_mode=x"]],
  [["-csandbox_mode=x"]],
  [["--config=features.shell=true"]],
  [["--verbose", "--config", "features.shell = true"]],
])("refuses %j", (args) => {
  expect(() => refuseReservedArgs("codex", args, reserved)).toThrow(
    expect.objectContaining({ code: "AC_JOB_INVALID" }),
  );
});

it.each([
  [[]],
  [["--sandboxes"]],
  [["--search", "--strict"]],
  [["-c", "model_reasoning_effort=high"]],
  [["--config=featuresque=1"]],
  [["-c"]],
])("passes %j", (args) => {
  expect(() => refuseReservedArgs("codex", args, reserved)).not.toThrow();
});
