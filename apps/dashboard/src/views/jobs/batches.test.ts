import { expect, it } from "vitest";
import { runBatches, type BatchAnswer, type Place, type Progress } from "./batches.ts";

const answer = (change: Partial<BatchAnswer>): BatchAnswer => ({
  done: 0,
  failed: 0,
  failure: null,
  next: null,
  ...change,
});

/** Three batches. */
function batches() {
  const asked: (Place | undefined)[] = [];
  const answers = [
    answer({ done: 500, next: "b" }),
    answer({ done: 498, failed: 2, failure: "held", next: "c" }),
    answer({ done: 3, failed: 1, failure: "other" }),
  ];
  const batch = async (before: Place | undefined): Promise<BatchAnswer> => {
    asked.push(before);
    return answers[asked.length - 1] ?? expect.fail("asked too often");
  };
  return { asked, batch };
}

it("batches go on where the one before ended, and are counted", async () => {
  const { asked, batch } = batches();
  const seen: Progress[] = [];
  const end = await runBatches(batch, (progress) => seen.push(progress) > 0);
  expect(asked).toEqual([undefined, "b", "c"]);
  expect(seen.map(({ done }) => done)).toEqual([500, 998, 1001]);
  expect(end).toEqual({ done: 1001, failed: 3, failure: "held", state: "finished" });
});

it("what is stopped between batches says what was done", async () => {
  const { asked, batch } = batches();
  const end = await runBatches(batch, ({ done }) => done < 900);
  expect(asked).toHaveLength(2);
  expect(end).toMatchObject({ done: 998, failed: 2, state: "stopped" });
});
