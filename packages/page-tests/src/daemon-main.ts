/**
 * Opens the page of a real daemon in Chromium, headless, does what people do there, and prints a line for each check. With
 * arguments: only the suites of these names.
 */
import { errorText } from "@agentcore/contract";
import { browserChecks, browserFile } from "./daemon/browser.ts";
import { guideChecks, guideFile } from "./daemon/guide.ts";
import { jobChecks, seedDeadLetters } from "./daemon/jobs.ts";
import { runChecks, runsAndTriggers } from "./daemon/runs-and-triggers.ts";
import { nowChecks, nowOptions } from "./daemon/now.ts";
import { spendChecks, spendOptions } from "./daemon/spend.ts";
import { buildPage, startRig, type DaemonCheck, type RigOptions } from "./daemon/rig.ts";

interface Suite {
  readonly options: RigOptions;
  readonly checks: readonly DaemonCheck[];
}

/** Each has a daemon of its own, and its checks run in order. */
const suites: Readonly<Record<string, Suite>> = {
  now: { options: nowOptions, checks: nowChecks },
  jobs: { options: { seed: seedDeadLetters }, checks: jobChecks },
  runs: { options: runsAndTriggers, checks: runChecks },
  browser: { options: browserFile, checks: browserChecks },
  spend: { options: spendOptions, checks: spendChecks },
  guide: { options: guideFile, checks: guideChecks },
};

/** Answers how many failed. */
async function runSuite(name: string, { options, checks }: Suite): Promise<number> {
  const rig = await startRig(options);
  const complaints: DaemonCheck = {
    name: "the browser has nothing to complain about",
    run: async ({ complaints: found }) => {
      if (found.length > 0) throw new Error(found.join("\n"));
    },
  };
  let failed = 0;
  try {
    for (const check of [...checks, complaints]) {
      const beganMs = performance.now();
      const wrong = await check.run(rig).then(() => null, errorText);
      // What a failed check left open does not disturb the next.
      for (const context of rig.browser.contexts()) await context.close();
      const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
      console.log(`${wrong === null ? "ok    " : "FAILED"} ${name}: ${check.name} (${seconds} s)`);
      if (wrong === null) continue;
      failed += 1;
      console.log(wrong.replaceAll(/^/gm, "         "));
    }
  } finally {
    await rig.close();
  }
  return failed;
}

const named = process.argv.slice(2);
await buildPage();
let failed = 0;
for (const [name, suite] of Object.entries(suites))
  if (named.length === 0 || named.includes(name)) failed += await runSuite(name, suite);
console.log(failed === 0 ? "all passed" : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
