/**
 * Every moment between two of a run's own acts: before and after each record in the journal and each submit of a job, the
 * process is gone and the run is resumed. What it leaves must be what an undisturbed one leaves, and nothing runs twice but
 * the one job that was at work. (Those between two commands of git: see `worktree.test.ts`.)
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, it } from "vitest";
import type { Workflow } from "../definition.ts";
import { createRunRig, git, type RunRig } from "../testing/run-rig.ts";
import { shellLoop, shellStep, subWorkflow, testStep, testWorkflow } from "../testing/test-workflow.ts";
import { listRuns } from "../records/read-runs.ts";
import { mortal } from "../testing/mortal-ports.ts";

const note =
  'echo "$AGENTCORE_STEP_ID $AGENTCORE_ITERATION" >> "${AGENTCORE_CONTEXT_DIR%%/context*}/ledger"; ';
const output = (path: string) => [{ name: "out", path, optional: false, type: null }];
const inner = testWorkflow(
  [shellStep("inner", `${note} echo inner > inner.out`, { outputs: output("inner.out") })],
  {
    name: "inner",
    hash: "inner",
  },
);
// The jobs of the first and the last step are submitted in the commit that journals their start.
const workflow: Workflow = testWorkflow([
  shellStep("first", note),
  shellStep("make", `${note} echo $AGENTCORE_ITERATION > make.out`, {
    dependsOn: ["first"],
    outputs: output("make.out"),
    loop: shellLoop("test $(cat make.out) = 2", { maxIterations: 3, undecidedMax: 1 }),
  }),
  shellStep("apart", `${note} echo apart > apart.out`, {
    dependsOn: ["make"],
    isolation: "worktree",
    merge: "apply",
    outputs: output("apart.out"),
  }),
  testStep("sub", subWorkflow(inner, { exports: [{ from: "inner", artifact: "out", as: "out" }] }), {
    dependsOn: ["apart"],
  }),
  shellStep("last", note, { dependsOn: ["sub"] }),
]);

async function makeRig(): Promise<RunRig> {
  const rig = await createRunRig();
  const run = (...args: string[]): unknown => execFileSync("git", args, { cwd: rig.workspace });
  run("init", "-qb", "work");
  writeFileSync(join(rig.workspace, ".gitignore"), "/context/\n/ledger\n");
  run("add", ".gitignore");
  run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x");
  return rig;
}

function filesOf(workspace: string): Readonly<Record<string, string>> {
  const files = readdirSync(workspace, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(workspace, join(entry.parentPath, entry.name)))
    .filter((path) => !/^\.git\/|\.json$|^ledger$/.test(path));
  return Object.fromEntries(files.sort().map((path) => [path, readFileSync(join(workspace, path), "utf8")]));
}

const ledgerOf = (workspace: string): string[] => {
  const path = join(workspace, "ledger");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
};

/** Pieces whose job has ended in the store. Nothing was interrupted before, so each is in the ledger once. */
async function piecesEnded(rig: RunRig): Promise<string[]> {
  const { jobs } = await rig.store.list({ labels: { "workflow.piece": "work" }, states: ["succeeded"] });
  return jobs.map(
    ({ job }) => `${job.context.labels["workflow.step"]} ${job.task.env?.["AGENTCORE_ITERATION"]}`,
  );
}

async function undisturbed() {
  const rig = await makeRig();
  try {
    const counted = mortal(rig, Number.POSITIVE_INFINITY, "before");
    const { outcome } = await rig.run(workflow, counted.ports);
    return { outcome, acts: counted.acts(), files: filesOf(rig.workspace), ledger: ledgerOf(rig.workspace) };
  } finally {
    await rig.close();
  }
}

/** The run that lives up to its n-th act, and the one that continues it. */
async function disturbed(death: number, when: "before" | "after") {
  const rig = await makeRig();
  try {
    const process = mortal(rig, death, when);
    const first = rig.start(workflow, process.ports).then((handle) => handle.result());
    first.catch(() => {});
    await Promise.race([process.dying, first]);
    await rig.restart();
    const ended = await piecesEnded(rig);
    const [run] = await listRuns(rig.journal);
    const result = await (run === undefined
      ? rig.run(workflow)
      : (await rig.resume(run.id, workflow)).result());
    const refs = await git(rig.workspace, ["for-each-ref", "refs/agentcore"]);
    const inGitDir = readdirSync(join(rig.workspace, ".git/agentcore")).filter((name) => name !== "lock");
    const { files, ledger } = { files: filesOf(rig.workspace), ledger: ledgerOf(rig.workspace) };
    const times = (piece: string): number => ledger.filter((line) => line === piece).length;
    const endedAgain = ended.filter((piece) => times(piece) > 1);
    return { outcome: result.outcome, files, ledger, endedAgain, refs: refs.stdout, inGitDir };
  } finally {
    await rig.close();
  }
}

it.each(["before", "after"] as const)(
  "a run that ends %s any of its acts is resumed to what it would have been, without doing anything twice",
  async (when) => {
    const { acts, ...expected } = await undisturbed();
    expect(expected).toMatchObject({
      outcome: "SUCCEEDED",
      ledger: ["first 1", "make 1", "make 2", "apart 1", "inner 1", "last 1"],
    });
    expect(acts).toBeGreaterThan(15);
    for (let death = 0; death < acts; death++) {
      const { ledger, ...rest } = await disturbed(death, when);
      expect({ death, ...rest }).toEqual({
        death,
        outcome: "SUCCEEDED",
        files: expected.files,
        endedAgain: [],
        refs: "",
        inGitDir: [],
      });
      const again = ledger.filter((piece, index) => ledger.indexOf(piece) !== index);
      expect({ death, ran: [...new Set(ledger)], again: again.length }).toEqual({
        death,
        ran: expected.ledger,
        again: again.length === 0 ? 0 : 1,
      });
    }
  },
  300_000,
);
