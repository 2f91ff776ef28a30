import { expect, it } from "vitest";
import { createTextTail } from "./text-tail.ts";

it("the tail of a stream is its last lines, in order, without blank ones and cut where they are long", () => {
  const tail = createTextTail(3, 5);
  expect(tail.text()).toBe("");
  tail.add("a");
  tail.add("b");
  expect(tail.text()).toBe("a\nb");
  for (const line of ["c", "", "1234567", "d"]) tail.add(line);
  expect(tail.text()).toBe("12345…\nd");
});
