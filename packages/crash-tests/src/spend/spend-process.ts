/** A runtime process that is going to be killed: 50 runs at a time under one cap, new ones as long as the cap has room. */
import { openStateDatabase } from "@agentcore/store-sqlite";
import { createDraws } from "../draws.ts";
import { drawRun } from "./draw-run.ts";
import { SpendRuntime } from "./spend-runtime.ts";

export interface SpendProcessOptions {
  readonly directory: string;
  readonly providerUrl: string;
  readonly tenant: string;
  readonly permits: number;
  readonly seed: number;
}

const options = JSON.parse(process.argv[2] ?? "") as SpendProcessOptions;
const { directory, providerUrl, tenant, permits, seed } = options;
const database = await openStateDatabase({ directory });
const draws = createDraws(seed);
const [capUsd, ceilingUsd] = draws.pick([
  [5, 0.1],
  [5, 0.4],
  [20, 0.4],
]);
const runtime = new SpendRuntime({ database, directory, providerUrl, capUsd, outputBound: 8000 });
let made = 0;
const runAgain = async (): Promise<void> => {
  const run = drawRun(draws, `${tenant}-run-${made++}`, {
    tenant,
    ceilingUsd,
    lanes: draws.whole(1, 4),
    calls: 4,
    maxTokens: [256, 1500, 8000],
    inputTokensMax: 5000,
    hidden: draws.pick(["none", "some", "most"]),
    breaksOff: 0.05,
  });
  const { result } = await runtime.run(run);
  if (result !== "refused") await runAgain();
};
await Promise.all(Array.from({ length: permits }, runAgain));
await runtime.close();
await database.close();
