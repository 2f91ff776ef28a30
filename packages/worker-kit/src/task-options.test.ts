import { expect, it } from "vitest";
import { unsupportedOptions } from "./task-options.ts";

it.each([
  [undefined, {}, []],
  [undefined, { variant: "high", maxSteps: 3 }, ["variant", "maxSteps"]],
  [["variant"] as const, { variant: "high", maxCommandTimeMs: 5 }, ["maxCommandTimeMs"]],
  [
    ["variant", "maxSteps", "maxCommandTimeMs"] as const,
    { variant: "high", maxSteps: 3, maxCommandTimeMs: 5 },
    [],
  ],
])("of an adapter with the options %j a task with %j asks in vain for %j", (options, task, vain) => {
  expect(unsupportedOptions(options === undefined ? {} : { options }, task)).toEqual(vain);
});
