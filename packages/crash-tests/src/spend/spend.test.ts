/** The test of money in small; `main.ts spend --kills 100` is the whole of it. */
import { patienceMs, testSeed } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import { spend, spendLines } from "./spend.ts";

const [kills, healthyRuns] = [4, 20];
const cases = ["4 calls at once", "reasoning within the limit", "hidden reasoning beyond what is held"];

it(
  `50 permits under one cap, ${kills} kills and ${healthyRuns} healthy runs: nothing beyond the cap, nothing billed that is not booked, nothing cut`,
  async () => {
    const seed = testSeed("test of money in small");
    const report = await spend({
      permits: 50,
      kills,
      healthyRuns,
      seed,
      cases,
      print: (line) => console.info(line),
    });
    console.info(spendLines(report, seed).join("\n"));
    expect(report.findings).toEqual([]);
    // Had nothing been spent, there would be nothing to find.
    expect(report.overshoot.map(({ calls }) => calls > 10)).toEqual(cases.map(() => true));
    expect(report.overshoot[0]?.stopped).toBeGreaterThan(0);
    expect(report.kills.billedMicroUsd).toBeGreaterThan(0);
    expect(report.kills.openCalls).toBeGreaterThan(0);
    expect(report.falseCuts.reduce((sum, { runs }) => sum + runs, 0)).toBe(healthyRuns);
  },
  patienceMs(300_000),
);
