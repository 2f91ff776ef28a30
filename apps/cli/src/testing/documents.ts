/** Checks lines of `--json` against their published schema. */
import type { ResultLine } from "@agentcore/contract";
import { expect } from "vitest";
import * as z from "zod";
import { outputJsonSchema } from "../json/documents.ts";

const schemaOf = (names?: string[]): z.ZodType => z.fromJSONSchema(outputJsonSchema(names));

const event = schemaOf(["event", "configuration"]);
const result = schemaOf(["result"]);

export function expectEvents(lines: readonly unknown[]): void {
  for (const line of lines) expect(event.safeParse(line).error).toBeUndefined();
}

export function resultOfLine(line: unknown): ResultLine {
  expect(result.safeParse(line).error).toBeUndefined();
  return line as ResultLine;
}
