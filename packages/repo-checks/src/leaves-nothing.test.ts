import { expect, it } from "vitest";
import { changesOf, processState } from "./leaves-nothing.ts";

it("what a test file changes in its process is named, without values", () => {
  const before = processState();
  const listener = () => {};
  process.env["LEFT_BEHIND"] = "secret";
  process.on("SIGUSR2", listener);
  Object.assign(globalThis, { leftBehind: 1 });
  const umask = process.umask(0o77);
  expect(changesOf(before, processState())).toEqual([
    "the umask",
    "the variable LEFT_BEHIND",
    "the global leftBehind",
    "the listeners for SIGUSR2",
  ]);
  process.umask(umask);
  delete process.env["LEFT_BEHIND"];
  Reflect.deleteProperty(globalThis, "leftBehind");
  process.off("SIGUSR2", listener);
  expect(changesOf(before, processState())).toEqual([]);
});
