/** The headline crash test in small; `main.ts headline --jobs 500 --kills 200` is the whole of it. */
import { testSeed, patienceMs } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import { headline } from "./headline.ts";
import { headlineLines } from "./headline-lines.ts";

const [jobs, kills] = [60, 15];

it(
  `${jobs} jobs through ${kills} kills of scheduler and runtime: none lost, none run twice, every cost known, nobody left`,
  async () => {
    const seed = testSeed("headline crash test in small");
    const report = await headline({ jobs, kills, seed, print: (line) => console.info(line) });
    console.info(headlineLines(report, seed).join("\n"));
    const { lost, duplicated, unaccounted, survivors } = report;
    expect({ lost, duplicated, unaccounted, survivors }).toEqual({
      lost: [],
      duplicated: [],
      unaccounted: [],
      survivors: [],
    });
    expect(Object.values(report.kills).reduce((sum, count) => sum + count, 0)).toBe(kills);
    // Had the workers not run, there would be nothing to find.
    expect(report.attempts).toBeGreaterThan(jobs / 2);
  },
  patienceMs(300_000),
);
