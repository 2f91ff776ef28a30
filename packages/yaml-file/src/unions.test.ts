import { expect, it } from "vitest";
import * as z from "zod";
import { describeValue } from "./issues.ts";

const credential = z.union(
  [
    z.strictObject({ env: z.string().regex(/^[A-Z]+$/, "must be the name of a variable") }),
    z.strictObject({ file: z.string(), refresh: z.string().optional() }),
    z.strictObject({ command: z.string().min(1), refresh: z.string().optional() }),
    z.strictObject({ login: z.literal(true) }),
  ],
  { error: "must say where it comes from" },
);
const schema = z.strictObject({ credential });

it.each<[string, unknown, string[]]>([
  [
    "two ways at once",
    { env: "A", file: "/a" },
    ["credential.file: does not go with env; leave out one of the two"],
  ],
  ["no way", {}, ["credential: needs one of env, file, command, login"]],
  ["only what belongs to several ways", { refresh: "1m" }, ["credential: needs one of file, command"]],
  [
    "an unknown way",
    { key: "abc" },
    [
      "credential: needs one of env, file, command, login",
      "credential.key: unknown setting; allowed: env, file, refresh, command",
    ],
  ],
  [
    "a wrong value of one way",
    { command: "", refresh: "1m" },
    ["credential.command: is empty; write something"],
  ],
  ["a wrong value of the last way", { login: false }, ["credential.login: false is not true"]],
  ["a value with a message of its own", { env: "$A" }, ["credential.env: must be the name of a variable"]],
  [
    "a misspelt setting of one way",
    { command: "a", refersh: "1m" },
    ['credential.refersh: unknown setting; did you mean "refresh"?'],
  ],
  ["no mapping, which is not repeated", "the-secret", ["credential: must say where it comes from"]],
])("of a setting that has one of several forms, %s is told with its cure", (_name, value, expected) => {
  const input = { credential: value };
  const issues = schema.safeParse(input).error?.issues ?? [];
  const words = { subject: "the file", otherNames: {}, cures: {} };
  const json = () => z.toJSONSchema(schema) as ReturnType<Parameters<typeof describeValue>[2]>;
  expect(describeValue(issues, input, json, words)).toEqual(expected);
});
