import { expect, it } from "vitest";
import * as z from "zod";
import { sentenceOf } from "./sentence.ts";

it.each<[string, z.ZodType, unknown, string]>([
  ["another kind", z.string(), 5, "is a number; write a text"],
  ["nothing where something is needed", z.string(), undefined, "is missing; write a text"],
  ["an empty value", z.string(), null, "is empty; write a text"],
  ["a list for a mapping", z.strictObject({}), [], "is a list; write a mapping of names to values"],
  ["a fraction", z.int(), 1.5, "is a number; write a whole number"],
  ["a truth for a list", z.array(z.string()), true, "is true or false; write a list"],
  ["a number below the least", z.int().min(1), 0, "is 0; write at least 1"],
  ["a number that must be above", z.number().positive(), 0, "is 0; write more than 0"],
  ["a number above the most", z.int().max(99), 100, "is 100; write at most 99"],
  ["an empty text", z.string().min(1), "", "is empty; write something"],
  ["a text that is too short", z.string().min(3), "ab", "has too few characters; at least 3"],
  ["a list that is too long", z.array(z.string()).max(1), ["a", "b"], "has too many entries; at most 1"],
  ["a choice that is not there", z.enum(["abort", "retry"]), "stop", '"stop" is not one of abort, retry'],
  [
    "a choice misspelt",
    z.enum(["abort", "retry"]),
    "retyr",
    '"retyr" is not one of abort, retry; did you mean "retry"?',
  ],
  ["choices in two cases", z.enum(["read", "edit", "READ", "EDIT"]), 7, "7 is not one of read, edit"],
  ["no choice", z.enum(["abort", "retry"]), undefined, "is missing; write one of abort, retry"],
  ["a message of the schema's own", z.string({ error: "say it" }), 5, "say it"],
])("%s is told with its cure", (_name, schema, value, expected) => {
  const parsed = schema.safeParse(value);
  expect(parsed.error?.issues.map((issue) => sentenceOf(issue, value))).toEqual([expected]);
});
