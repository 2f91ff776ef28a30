import { expect, it } from "vitest";
import { exitOf } from "./worker-exit.ts";

it.each([
  [
    { code: 0, signal: null },
    { kind: "exited", code: 0 },
  ],
  [
    { code: 1, signal: null },
    { kind: "exited", code: 1 },
  ],
  [
    { code: 127, signal: null },
    { kind: "exited", code: 127 },
  ],
  [
    { code: 128, signal: null },
    { kind: "exited", code: 128 },
  ],
  [
    { code: 137, signal: null },
    { kind: "signaled", signal: "SIGKILL" },
  ],
  [
    { code: 139, signal: null },
    { kind: "signaled", signal: "SIGSEGV" },
  ],
  [
    { code: 143, signal: null },
    { kind: "signaled", signal: "SIGTERM" },
  ],
  [
    { code: 255, signal: null },
    { kind: "exited", code: 255 },
  ],
  [
    { code: null, signal: "SIGIOT" },
    { kind: "signaled", signal: "SIGABRT" },
  ],
  [
    { code: null, signal: null },
    { kind: "signaled", signal: "an unknown signal" },
  ],
] as const)("an end as %j is %j", (exit, expected) => {
  expect(exitOf(exit)).toEqual(expected);
});
