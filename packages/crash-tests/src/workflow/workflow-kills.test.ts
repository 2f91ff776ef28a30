/** The workflow's kills in small; `main.ts workflow --kills 100` is the whole of it. */
import { testSeed, patienceMs } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import { workflowKills } from "./workflow-kills.ts";
import { workflowKillsLines } from "./workflow-kills-lines.ts";

const kills = 10;

it(
  `a workflow of 30 steps through ${kills} kills: no finished step runs again, the same is made as without, nobody left`,
  async () => {
    const seed = testSeed("workflow crash test in small");
    const report = await workflowKills({ kills, seed, print: (line) => console.info(line) });
    console.info(workflowKillsLines(report, seed).join("\n"));
    const { outcome, finishedAgain, missing, differing, survivors } = report;
    expect({ outcome, finishedAgain, missing, differing, survivors }).toEqual({
      outcome: "SUCCEEDED",
      finishedAgain: [],
      missing: [],
      differing: [],
      survivors: [],
    });
    expect(report.kills).toBe(kills);
    // Had nothing been interrupted, there would be nothing to find.
    expect(report.begun).toBeGreaterThan(report.pieces);
  },
  patienceMs(300_000),
);
