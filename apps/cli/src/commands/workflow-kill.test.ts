/**
 * `kill -9` at random moments of a workflow, resumed each time. AGENTCORE_KILLS says how often (default 8), AGENTCORE_SEED
 * repeats a sequence of moments.
 */
import { existsSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";
import {
  makeWorkspace,
  readArtifacts,
  readLedger,
  stepCount,
  writeKilledWorkflow,
} from "../testing/killed-workflow.ts";

const kills = Number(process.env["AGENTCORE_KILLS"] ?? 8);
const seed = Number(process.env["AGENTCORE_SEED"] ?? Date.now() % 1_000_000);
/** About as long as the workflow takes undisturbed. */
const longestMs = 6000;

const scratch = makeScratch();
afterAll(() => scratch.remove());
const file = writeKilledWorkflow(scratch.root);
const random = randomOf(seed);

test(
  `finished steps never run again, whenever the process is killed (seed ${seed}, ${kills} kills)`,
  async () => {
    const calm = makeWorkspace(scratch.root, "calm");
    expect((await agentcore(scratch, ["workflow", "run", file, "-C", calm])).code).toBe(0);
    const expected = readArtifacts(calm);
    expect(Object.keys(expected).length).toBeGreaterThanOrEqual(stepCount);
    let done = 0;
    for (let round = 0; done < kills; round++) {
      const workspace = makeWorkspace(scratch.root, `round-${round}`);
      const killed = await runKilled(workspace, kills - done);
      done += killed;
      expect(readArtifacts(workspace)).toEqual(expected);
      // Every piece of work began once, but for those that a kill interrupted: at most four at a time.
      const [once, often] = [readLedger(calm).length, readLedger(workspace).length];
      expect(often).toBeGreaterThanOrEqual(once);
      expect(often).toBeLessThanOrEqual(once + 4 * killed);
    }
  },
  60_000 + kills * 30_000,
);

/** One run to its end, killed up to `most` times on the way; answers how often. */
async function runKilled(workspace: string, most: number): Promise<number> {
  /** Where the ledger stood when a step was found finished: nothing of it may follow. */
  const finished: { readonly step: string; readonly at: number }[] = [];
  let run: string | null = null;
  for (let killed = 0; ; killed++) {
    const args = run === null ? ["workflow", "run", file, "-C", workspace] : ["workflow", "resume", run];
    const started = startAgentcore(scratch, [...args, "--json"]);
    await started.saw('"run_started"');
    run = String(jsonLinesOf(firstLine(started.stdout()))[0]?.["run"]);
    if (killed < most) await killAfter(started, random() * longestMs);
    const { signal, code, stdout, stderr } = await started.finished;
    if (signal !== "SIGKILL") {
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(jsonLinesOf(stdout).at(-1)).toMatchObject({ type: "result", outcome: "SUCCEEDED" });
      checkLedger(workspace, finished);
      return killed;
    }
    const at = existsSync(`${workspace}/ledger`) ? readLedger(workspace).length : 0;
    for (const step of await stepsFinished(run)) finished.push({ step, at });
  }
}

function checkLedger(
  workspace: string,
  finished: readonly { readonly step: string; readonly at: number }[],
): void {
  const ledger = readLedger(workspace);
  for (const { step, at } of finished) {
    const again = ledger.slice(at).filter((line) => line.split(" ")[0]?.split("-")[0] === step);
    expect({ step, again }).toEqual({ step, again: [] });
  }
}

async function stepsFinished(run: string): Promise<readonly string[]> {
  const { stdout } = await agentcore(scratch, ["workflow", "show", run, "--json"]);
  const { steps } = jsonLinesOf(stdout)[0] as unknown as { steps: { id: string; status: string }[] };
  return steps.filter(({ status }) => status === "SUCCEEDED").map(({ id }) => id);
}

async function killAfter(started: ReturnType<typeof startAgentcore>, delayMs: number): Promise<void> {
  await Promise.race([
    started.finished,
    new Promise((resolve) => {
      setTimeout(resolve, delayMs);
    }),
  ]);
  started.child.kill("SIGKILL");
}

function firstLine(text: string): string {
  return text.slice(0, text.indexOf("\n"));
}

/** A linear congruential generator (Numerical Recipes). */
function randomOf(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
