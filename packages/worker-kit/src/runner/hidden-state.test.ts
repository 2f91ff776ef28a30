/** What a worker sees of the directory in which AgentCore keeps its state: its own HOME and TMPDIR, and nothing else. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openContainment, type OpenedContainment } from "@agentcore/containment";
import { beforeAll, beforeEach, expect, it } from "vitest";
import { driveToEnd, type DriveOptions } from "../testing/drive.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";

const stateDir = makeTemporaryDirectory("state");
const attemptsDir = join(stateDir, "attempts");
let containment: OpenedContainment;
beforeAll(async () => {
  containment = await openContainment({ stateDir: join(stateDir, "containment"), hidden: [stateDir] });
});

let jobs = 0;
let jobId: string;
beforeEach(() => {
  jobs += 1;
  jobId = `job-${jobs}`;
});

async function work(script: string, options: Partial<DriveOptions> = {}) {
  const task = {
    args: ["-c", `${script}\necho '{"type":"result","ok":true,"summary":"done"}'`],
    ...options.task,
  };
  return driveToEnd({
    adapter: scriptedAdapter,
    program: "/bin/sh",
    containment,
    attemptsDir,
    jobId,
    ...options,
    task,
  });
}

it("a worker writes its HOME and TMPDIR, and sees nothing else of the state directory", async () => {
  mkdirSync(join(stateDir, "spool"), { recursive: true });
  writeFileSync(join(stateDir, "state.db"), "ledger");
  const { ended, workspace } = await work(
    `touch "$HOME/mine" "$TMPDIR/mine" || exit 9
    find ${stateDir} >seen
    touch "$HOME/../stdout.log" "$HOME/../../../../spool/forged.json" ${stateDir}/state.db
    mkfifo "$HOME/../stderr.log" && echo fifo >>seen; true`,
  );
  expect(ended.outcome).toBe("succeeded");
  const own = join(attemptsDir, jobId, "1");
  const above = [stateDir, attemptsDir, join(attemptsDir, jobId), own];
  const seen = readFileSync(join(workspace, "seen"), "utf8").trim().split("\n");
  expect(seen.toSorted()).toEqual(
    [...above, ...["home", "home/mine", "tmp", "tmp/mine"].map((each) => join(own, each))].toSorted(),
  );
  expect(readdirSync(join(stateDir, "spool"))).toEqual([]);
  expect(readFileSync(join(stateDir, "state.db"), "utf8")).toBe("ledger");
  expect(readFileSync(join(own, "stderr.log"), "utf8")).toContain("Read-only file system");
});

it("the verify script has a HOME and a TMPDIR too, and sees nothing else either", async () => {
  const verify = `echo hi >"$HOME/x" && echo hi >"$TMPDIR/x" && ! ls ${stateDir}/containment`;
  expect((await work("echo >made", { task: { verify } })).ended).toMatchObject({ outcome: "succeeded" });
});

it("a resumed session finds the HOME of the run that made it, which is a link to it", async () => {
  const session = `session-of-${jobId}`;
  const first = await work(
    `echo kept >"$HOME/kept"; echo '{"type":"started","session":"${session}","model":null}'`,
  );
  expect(first.ended.session).toBe(session);
  jobId = `${jobId}-resumed`;
  const second = await work('cat "$HOME/kept" >got; ls "$HOME/../.." >>got', { task: { session } });
  expect(readFileSync(join(second.workspace, "got"), "utf8")).toBe("kept\n1\n");
});

it("a workspace below the state directory is the worker's as any other", async () => {
  const workspace = join(stateDir, "trees", jobId);
  mkdirSync(workspace, { recursive: true });
  const { ended } = await work("echo hi >made; ls -A .. >seen", { workspace });
  expect(ended).toMatchObject({ outcome: "succeeded", observations: { filesChanged: ["made", "seen"] } });
  expect(readFileSync(join(workspace, "seen"), "utf8")).toBe(`${jobId}\n`);
});

it("a state directory in the workspace is neither seen nor counted as the worker's doing", async () => {
  const workspace = makeTemporaryDirectory("workspace");
  const inner = join(workspace, "state");
  mkdirSync(inner);
  writeFileSync(join(inner, "state.db"), "ledger");
  const own = await openContainment({ hidden: [inner] });
  const { ended } = await work("ls -A state >seen; rm -rf state; echo >state/planted; true", {
    workspace,
    containment: own,
    attemptsDir: join(inner, "attempts"),
  });
  expect(ended).toMatchObject({ outcome: "succeeded" });
  expect(readFileSync(join(workspace, "seen"), "utf8")).toBe("attempts\n");
  expect(readFileSync(join(inner, "state.db"), "utf8")).toBe("ledger");
  expect(existsSync(join(inner, "planted"))).toBe(false);
});
