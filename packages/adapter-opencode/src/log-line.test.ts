import { expect, it } from "vitest";
import { failedRequest, isLogLine } from "./log-line.ts";

const head = "timestamp=2026-11-24T11:29:11.591Z level=ERROR run=d2ed5cdd";
const streamError = (error: string, mode = "primary"): string =>
  `${head} message="stream error" providerID=ac modelID=m session.id=ses_1 small=false agent=build mode=${mode} error.error=${error}`;

it.each([
  [streamError('"AI_APICallError: Too many requests"'), "Too many requests"],
  [
    streamError('"AI_JSONParseError: JSON parsing failed: Text: {\\"a\\".\\nError"'),
    'JSON parsing failed: Text: {"a".\nError',
  ],
  [streamError('"odd \\q escape"'), "odd \\q escape"],
  [streamError('"Overloaded"', "subagent"), null],
  [streamError("unquoted"), null],
  [`${head} message=process error="Too many requests"`, null],
  ['a tool that prints message="stream error" mode=primary error.error="x"', null],
  ["", null],
])("reads %j as %j", (line, expected) => {
  expect(failedRequest(line)).toBe(expected);
});

it("knows its own log from what others print", () => {
  expect(isLogLine(`${head} message=x`)).toBe(true);
  expect(isLogLine("Error: Session not found")).toBe(false);
});
