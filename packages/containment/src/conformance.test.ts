/**
 * A short run of the conformance suite; `npm run conformance` in this package is the long one. Seeded: a failure is
 * repeated with AGENTCORE_SEED.
 */
import { expect, test } from "vitest";
import { availableImplementations } from "./testing/available.ts";
import { endings, runCase } from "./testing/conformance.ts";
import { seededRandom } from "./testing/random.ts";

const seed = Number(process.env.AGENTCORE_SEED ?? 1 + Math.floor(Math.random() * 2 ** 31));
console.log(`containment conformance: seed ${seed} (repeat with AGENTCORE_SEED=${seed})`);

const uids = process.geteuid?.() === 0 ? [null, 12_345] : [null];
const cases = (await availableImplementations()).flatMap(({ implementation, level }) =>
  uids.flatMap((uid) => endings.map((ending) => ({ implementation, level, uid, ending }))),
);

test.each(cases)("$implementation, uid $uid: $ending", async ({ level, ...which }) => {
  const runs = which.ending === "supervisor-killed" ? 6 : 3;
  const result = await runCase({ ...which, runs }, seededRandom(seed));
  expect(result.runs).toBe(runs);
  if (which.ending !== "supervisor-killed") expect(result.runsAtLarge, "the worker was there").toBe(runs);
  if (level === "sealed") {
    expect(result).toMatchObject({ survivors: 0, untrueReceipts: 0 });
    expect(result.leftAfterSweep ?? 0).toBe(0);
    return;
  }
  // Best-effort: who empties the environment gets away; nobody else may, as long as the supervisor lives.
  console.log(
    `${which.implementation}, uid ${which.uid}, ${which.ending}: left ${result.survivors} in ${runs} runs`,
  );
});

test("best-effort finds everybody who keeps parent, session or environment", async () => {
  const which = { implementation: "process-group", uid: uids.at(-1) ?? null, runs: 4, kinds: "abc" } as const;
  for (const ending of ["normal", "cancel", "timeout"] as const) {
    expect(await runCase({ ...which, ending }, seededRandom(seed))).toMatchObject({
      survivors: 0,
      untrueReceipts: 0,
      runsAtLarge: 4,
    });
  }
});
