/**
 * A short run of the conformance suite; the package's `conformance` script is the long one, and has the figures of the
 * best-effort level too. Seeded: a failure is repeated with AGENTCORE_SEED.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { availableImplementations } from "./testing/available.ts";
import { endings, runCase } from "./testing/conformance.ts";
import { brokenPromises } from "./testing/promises.ts";
import { seededRandom, testSeed } from "@agentcore/contract/testing";

const seed = testSeed("containment conformance");

const uids = process.geteuid?.() === 0 ? [null, 12_345] : [null];
const sealed = (await availableImplementations())
  .filter(({ level }) => level === "sealed")
  .flatMap(({ implementation }) =>
    uids.flatMap((uid) => endings.map((ending) => ({ implementation, uid, ending }))),
  );

it.each(sealed)("sealed: nobody is left. $implementation, uid $uid, $ending", async (which) => {
  const runs = which.ending === "supervisor-killed" ? 5 : 2;
  const result = await runCase({ ...which, runs }, seededRandom(seed));
  expect(result).toMatchObject({ runs, survivors: 0, untrueReceipts: 0 });
  expect(result.leftAfterSweep ?? 0).toBe(0);
  if (which.ending !== "supervisor-killed") expect(result.runsAtLarge, "the worker was there").toBe(runs);
});

const boxes = sealed.filter(({ ending }) => ending === "normal");
it.each(boxes)("sealed: what the box promises holds. $implementation, uid $uid", async (which) => {
  const stateDir = mkdtempSync(path.join(tmpdir(), "agentcore-promises-"));
  try {
    expect(await brokenPromises(which.implementation, which.uid, stateDir)).toEqual([]);
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
});

it("best-effort finds everybody who keeps parent, session or environment", async () => {
  const which = { implementation: "process-group", uid: uids.at(-1) ?? null, runs: 2, kinds: "abc" } as const;
  for (const ending of ["normal", "cancel", "timeout"] as const) {
    expect(await runCase({ ...which, ending }, seededRandom(seed))).toMatchObject({
      survivors: 0,
      untrueReceipts: 0,
      runsAtLarge: 2,
    });
  }
});
