import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { until } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import { EventRings } from "./event-rings.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** After a collection. */
function bufferBytes(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

it("rare events keep nothing of the busy topics between them", async () => {
  const before = bufferBytes();
  const rings = new EventRings({ startedAt: 0 });
  const document = { type: "test", text: "x".repeat(350) } as never;
  for (let number = 0; number < 100_000; number += 1)
    rings.push({ topic: number % 500 === 0 ? "daemon" : "jobs", document });
  // A full ring, 200 rare events, and a chunk of each. V8 gives buffers back some time after a collection.
  await until(() => bufferBytes() - before < 1_500_000, { what: "less than 1.5 MB is held" });
  expect(rings.after(0, ["daemon"], () => true, Infinity).entries).toHaveLength(200);
});
