/** The daemon's kills in small; `main.ts daemon --deliveries 1000 --kills 20` is the whole of it. */
import { testSeed, patienceMs } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import { daemonKills } from "./daemon-kills.ts";
import { daemonKillsLines } from "./daemon-kills-lines.ts";

const [deliveries, kills] = [60, 4];

it(
  `${deliveries} deliveries through ${kills} kills of daemon and runtime: each acknowledged one leads to exactly one run, and nobody is left`,
  async () => {
    const seed = testSeed("daemon crash test in small");
    const print = (line: string): void => console.info(line);
    const report = await daemonKills({ deliveries, senders: 32, kills, seed, print });
    for (const line of daemonKillsLines(report, seed)) print(line);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ acknowledged: deliveries, runs: deliveries });
    expect(Object.values(report.kills).reduce((sum, count) => sum + count, 0)).toBe(kills);
    // Had nothing been interrupted, there would be nothing to find.
    expect(report.resumed).toBeGreaterThan(0);
    expect(report.repeated).toBeGreaterThan(0);
  },
  patienceMs(300_000),
);
