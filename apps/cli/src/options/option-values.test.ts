import { expect, it } from "vitest";
import {
  InvalidValue,
  readCapabilities,
  readCount,
  readDollars,
  readDuration,
  readEnv,
  readLabel,
  readOutput,
} from "./option-values.ts";

it.each([
  ["90s", 90_000],
  ["10m", 600_000],
  ["1h30m", 5_400_000],
  ["250ms", 250],
])("duration %s is %d ms", (text, expected) => {
  expect(readDuration(text)).toBe(expected);
});

it.each([
  ["10", "no unit; write 10s for seconds or 10m for minutes"],
  ["soon", "not a duration"],
  ["-5m", "not a duration"],
  ["0s", "greater than zero"],
  ["400d", "too long"],
  ["", "not a duration"],
])("duration %j is refused: %s", (text, message) => {
  expect(() => readDuration(text)).toThrow(message);
});

it.each([
  ["2.50", 2.5],
  ["$2.50", 2.5],
  [".5", 0.5],
  ["10", 10],
])("%s is %d dollars", (text, expected) => {
  expect(readDollars(text)).toBe(expected);
});

it.each(["-1", "NaN", "Infinity", "0", "1e3", "", "2,50", "$", "1".repeat(400)])(
  "%j is no amount of dollars",
  (text) => {
    expect(() => readDollars(text)).toThrow(InvalidValue);
  },
);

it.each(["0", "-1", "1.5", "many", "", "99999999999999999999"])("%j is no count", (text) => {
  expect(() => readCount(text)).toThrow(InvalidValue);
});

it("capabilities add up over several options, in the order of the catalog", () => {
  expect(readCapabilities("run_tests", readCapabilities("edit, read"))).toEqual([
    "read",
    "edit",
    "run_tests",
  ]);
});

it("an unknown capability is refused with the list and the nearest", () => {
  expect(() => readCapabilities("read,run_test")).toThrow(
    '"run_test" is not a capability; there are read, edit, run_tests, run_commands; did you mean "run_tests"?',
  );
  expect(() => readCapabilities("read,")).toThrow('"" is not a capability');
});

it("an environment variable comes with its value or takes the caller's", () => {
  const read = readEnv({ TOKEN: "t0k=n" });
  expect(read("B=x=y", read("TOKEN"))).toEqual({ TOKEN: "t0k=n", B: "x=y" });
  expect(read("A=2", { A: "1" })).toEqual({ A: "2" });
  expect(read("EMPTY=")).toEqual({ EMPTY: "" });
});

it.each([
  ["ABSENT", "ABSENT is not set here"],
  ["constructor", "constructor is not set here"],
  ["__proto__", "__proto__ is not set here"],
  ["1A=x", "not NAME=VALUE"],
  ["=x", "not NAME=VALUE"],
  ["A B=x", "not NAME=VALUE"],
  ["LD_PRELOAD=/x.so", "LD_PRELOAD is passed to no worker: it would make the programs that contain"],
  ["GIT_DIR", "it would make git work on something else"],
])("environment %j is refused: %s", (text, message) => {
  expect(() => readEnv({})(text)).toThrow(message);
});

it("an output is named by its file unless it is given a name", () => {
  expect(readOutput("report=out/r.md", readOutput("out/a.txt"))).toEqual([
    { name: "a.txt", path: "out/a.txt", optional: false },
    { name: "report", path: "out/r.md", optional: false },
  ]);
  expect(() => readOutput("")).toThrow("needs a path");
});

it("a label needs a name and a value", () => {
  expect(readLabel("team=core", { a: "b" })).toEqual({ a: "b", team: "core" });
  expect(() => readLabel("team")).toThrow("not NAME=VALUE");
});
