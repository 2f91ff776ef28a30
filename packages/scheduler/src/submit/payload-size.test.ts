import { testSeed } from "@agentcore/contract/testing";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { payloadSize } from "./payload-size.ts";

/** A failing run prints its seed; set this to repeat it. */
const parameters = { seed: testSeed("payload size") };

const anyLimit = 1e9;

it("bounds the bytes of any JSON from both sides", () => {
  const strings = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
  const values = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small", maxDepth: 8 },
      strings,
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value")),
      fc.dictionary(strings, tie("value")),
    ),
  })).value;
  fc.assert(
    fc.property(values, (value) => {
      const bytes = Buffer.byteLength(JSON.stringify(value));
      const { bytesMin, bytesMax } = payloadSize(value, anyLimit);
      expect(bytesMin).toBeLessThanOrEqual(bytes);
      expect(bytesMax).toBeGreaterThanOrEqual(bytes);
    }),
    parameters,
  );
});

it("stops counting beyond the limit, so that a small object whose text is huge costs nothing", () => {
  let doubled: unknown = "x".repeat(100);
  for (let level = 0; level < 30; level += 1) doubled = [doubled, doubled];
  const { bytesMin } = payloadSize(doubled, 10_000);
  expect(bytesMin).toBeGreaterThan(10_000);
  expect(bytesMin).toBeLessThan(20_000);
});
