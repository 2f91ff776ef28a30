import { expect, it } from "vitest";
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";

it("makes a schema at its first use, and once", () => {
  let made = 0;
  const schema = lazySchema(() => {
    made += 1;
    return z.strictObject({ name: z.string() });
  });
  const wider = z.strictObject({ inner: schema.optional() });
  expect(made).toBe(0);
  expect(wider.safeParse({ inner: { name: "a" } }).success).toBe(true);
  expect(schema.safeParse({ name: 1 }).success).toBe(false);
  expect(schema.unwrap().extend({ age: z.int() }).parse({ name: "a", age: 1 })).toEqual({
    name: "a",
    age: 1,
  });
  expect(made).toBe(1);
});
