import { expect, it } from "vitest";
import * as z from "zod";
import { sentenceOf } from "./sentence.ts";

it.each<[string, z.ZodType, unknown, string]>([
  ["another kind", z.string(), 5, "must be a text, not 5; write it in quotes"],
  ["nothing where something is needed", z.string(), undefined, "is required; write a text"],
  ["an empty value", z.string(), null, "must be a text, not empty"],
  ["a list for a mapping", z.strictObject({}), [], "must be a mapping of names to values, not a list"],
  ["a fraction", z.int(), 1.5, "must be a whole number, not 1.5"],
  ["a truth for a list", z.array(z.string()), true, "must be a list, not true"],
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
  ["no choice", z.enum(["abort", "retry"]), undefined, "is required; write one of abort, retry"],
  ["a text for a number", z.number(), "lots", 'must be a number, not the text "lots"'],
  [
    "a list for one of several kinds",
    z.union([z.string(), z.boolean()]),
    [],
    "must be a text, or true or false, not a list",
  ],
  [
    "nothing for one of several kinds",
    z.union([z.string(), z.number()]),
    null,
    "must be a text, or a number, not empty",
  ],
  ["a message of the schema's own", z.string({ error: "say it" }), 5, "say it"],
])("%s is told with its cure", (_name, schema, value, expected) => {
  const parsed = schema.safeParse(value);
  expect(parsed.error?.issues.map((issue) => sentenceOf(issue, value))).toEqual([expected]);
});
