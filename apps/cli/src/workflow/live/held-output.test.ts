import { expect, it } from "vitest";
import { heldOutput } from "./held-output.ts";

it("writes at once, keeps while held, and says how many it could not keep", () => {
  const written: string[] = [];
  const output = heldOutput((text) => written.push(text));
  output.write("a");
  output.hold();
  for (let line = 0; line < 1003; line++) output.write(`${line}`);
  expect(written).toEqual(["a"]);
  output.release();
  output.release();
  output.write("b");
  expect(written).toHaveLength(1003);
  expect(written.slice(-3)).toEqual(["999", "agentcore: 3 more lines were dropped\n", "b"]);
});
