/** Jobs and dead letters on the page: submit, watch, cancel, follow a log, and change 10,000 by a filter. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemIds } from "@agentcore/contract";
import { byJobDedup, claimAs, die, testJob, testSubmission } from "@agentcore/scheduler/testing";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { execa } from "execa";
import { sidewaysScroll } from "../look.ts";
import { badge, until, type DaemonCheck, type Rig, type RigPlace } from "./rig.ts";

const deadLetters = 10_000;
const batchJobs = 500;
/** Replays wait for the first of them, because they share a workspace: the daemon does not run 10,000. */
const endless = "sleep 3600";

/** Writes dead letters as a scheduler would have, but at once. */
export async function seedDeadLetters({ stateDir, workspace: parent }: RigPlace): Promise<void> {
  const workspace = join(parent, "dead");
  await mkdir(workspace);
  const database = await openStateDatabase({ directory: stateDir });
  const store = createSqliteJobStore(database);
  for (let made = 0; made < deadLetters + batchJobs; made += batchJobs) {
    const label = made === 0 ? "other" : "ten-thousand";
    const jobs = Array.from({ length: batchJobs }, () =>
      testJob({
        id: systemIds.next(),
        task: { worker: "shell", workspace, instructions: endless, capabilities: ["run_commands"] },
        context: { labels: { batch: label } },
      }),
    );
    const now = Date.now();
    const submissions = jobs.map((job) => testSubmission(job, { submittedAt: now, concurrencyKey: null }));
    await store.submit(submissions, byJobDedup);
    const only = jobs.map(({ id }) => id);
    const claimed = await claimAs(store, "seed", batchJobs, { only, now, perKey: batchJobs });
    assert.equal(claimed.length, batchJobs);
    await store.settleAndClaim(claimed.map((record) => ({ ...die(record), at: now })));
  }
  await store.removeOwner("seed");
  await database.close();
}

interface Given {
  /** Default: that of the rig. */
  readonly workspace?: string;
  readonly notBefore?: number;
}

async function submit(rig: Rig, instructions: string, given: Given = {}): Promise<string> {
  const { workspace = rig.workspace, ...rest } = given;
  const task = { worker: "shell", workspace, instructions, capabilities: ["edit", "run_commands"] };
  return (await rig.call<{ id: string }>("/v1/jobs", { task, ...rest })).id;
}

const count = async (rig: Rig, path: string): Promise<number> =>
  (await rig.call<{ count: number }>(`/v1/counts/${path}`)).count;

export const jobChecks: readonly DaemonCheck[] = [
  { name: "a job is submitted in a form, and its story appears live", run: submitted },
  { name: "a running job is cancelled, and says so with its receipt", run: cancelled },
  { name: "a delayed job says why it waits, is run now, and killed though it ignores TERM", run: killed },
  { name: "the output is followed, holds no more than a bound, and shows no escapes", run: followed },
  { name: "what a job changed is shown as a patch, and markup in it as text", run: patched },
  { name: "a dead letter is replayed with other limits from its story", run: replayedWithEdits },
  { name: "the filter is in the address, and is there after a reload", run: filtered },
  { name: "10,000 dead letters are replayed by a filter, and the replays cancelled", run: replayed },
  { name: "some dead letters are chosen and purged, and the others stay", run: purged },
  { name: "every view fits a phone", run: fitsPhone },
  { name: "with a token that may only read nothing can be changed", run: readOnly },
];

async function submitted(rig: Rig): Promise<void> {
  const page = await rig.open("/jobs");
  await page.getByRole("button", { name: "New job" }).click();
  const dialog = page.getByRole("dialog", { name: "New job" });
  await dialog.getByLabel("Worker").fill("shell");
  await dialog.getByLabel("Workspace").fill(rig.workspace);
  await dialog.getByLabel("run any command").check();
  await dialog
    .getByLabel("Instructions")
    .fill("echo first; until test -e go; do sleep 0.05; done; echo last");
  await dialog.getByLabel("Attempts").fill("many");
  await dialog.getByRole("button", { name: "Submit" }).click();
  await dialog.getByText("The number of attempts is not a number above 0.").waitFor();
  await dialog.getByLabel("Attempts").fill("2");
  await dialog.getByRole("button", { name: "Submit" }).click();
  await badge(page, "running").waitFor();
  await page.locator(".log", { hasText: "first" }).waitFor();
  await page.getByText("Permit granted to attempt 1").waitFor();
  assert.equal(await page.getByText("1 of 2", { exact: true }).count(), 1);
  await writeFile(join(rig.workspace, "go"), "");
  await badge(page, "succeeded").waitFor();
  await page.locator(".log", { hasText: "last" }).waitFor();
  await page.getByText("nothing left").waitFor();
  await page.context().close();
}

async function cancelled(rig: Rig): Promise<void> {
  const id = await submit(rig, "echo begun; sleep 300");
  const list = await rig.open("/jobs?state=running");
  const row = list.getByRole("row", { name: /echo begun/ });
  await row.waitFor();
  const page = await rig.open(`/jobs/${id}`);
  await page.locator(".log", { hasText: "begun" }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await badge(page, "cancelled").waitFor();
  await page.getByText(/TERM/).first().waitFor();
  await row.waitFor({ state: "detached" });
  await Promise.all([list.context().close(), page.context().close()]);
}

async function killed(rig: Rig): Promise<void> {
  const id = await submit(rig, "trap '' TERM; echo stubborn; sleep 300 & wait; wait; wait", {
    notBefore: Date.now() + 3_600_000,
  });
  const page = await rig.open(`/jobs/${id}`);
  await badge(page, "delayed").waitFor();
  await page.getByRole("region", { name: "Why it waits" }).getByText("Not before in 59m").waitFor();
  await page.getByRole("button", { name: "Run now" }).click();
  await page.locator(".log", { hasText: "stubborn" }).waitFor();
  await page.getByRole("button", { name: "Kill" }).click();
  const dialog = page.getByRole("dialog", { name: "Kill?" });
  await dialog.getByText("killed at once").waitFor();
  await dialog.getByRole("button", { name: "Kill" }).click();
  await badge(page, "cancelled").waitFor();
  await page
    .getByText(/KILL|kill/)
    .first()
    .waitFor();
  await page.getByText("nothing left").waitFor();
  await page.context().close();
}

async function followed(rig: Rig): Promise<void> {
  const script = [
    `i=0; while test $i -lt 60000; do i=$((i+1)); echo "line $i of the log, long enough to fill"; done`,
    "until test -e more; do sleep 0.05; done",
    "echo the very end",
  ].join("\n");
  const id = await submit(rig, script);
  const page = await rig.open(`/jobs/${id}`);
  const log = page.locator(".log");
  await log.filter({ hasText: "line 60000 of" }).waitFor();
  // What is drawn and what is held do not grow with the log.
  assert.ok((await log.innerText()).split("\n").length < 100);
  await page.getByText(/The first .* are not shown/).waitFor();
  await log.evaluate((box) => box.scrollTo(0, 0));
  await page.getByText("Not following.").waitFor();
  assert.ok(!(await log.innerText()).includes("line 60000 of"));
  await writeFile(join(rig.workspace, "more"), "");
  await page.getByRole("button", { name: "To the end" }).click();
  await log.filter({ hasText: "the very end" }).waitFor();
  await page.getByText("It has ended.").waitFor();
  const small = await submit(rig, `printf '\\033[31mred\\033[0m <b>bold</b>\\n'`);
  await page.goto(`${rig.url}/jobs/${small}`);
  await log.filter({ hasText: "red <b>bold</b>" }).waitFor();
  await page.context().close();
}

async function patched(rig: Rig): Promise<void> {
  const repository = join(rig.workspace, "repository");
  await mkdir(repository);
  await execa("git", ["init", "-q", repository]);
  const markup = "<img src=x onerror=\"document.title='pwned'\">";
  const id = await submit(
    rig,
    `printf '%s\\n' '${markup.replaceAll("'", `'\\''`)}' > added.html; seq 30000 > long.txt`,
    {
      workspace: repository,
    },
  );
  const page = await rig.open(`/jobs/${id}`);
  await badge(page, "succeeded").waitFor();
  const patch = page.getByRole("region", { name: "Patch" });
  await patch.getByText(`+${markup}`).waitFor();
  await page.getByText("So far: 2 files").waitFor();
  await page.getByRole("button", { name: /^Show more/ }).click();
  await page.getByText(/^2 files, 30,001 lines added, 0 removed/).waitFor();
  await page.getByRole("button", { name: "changes" }).click();
  await page.getByRole("dialog", { name: "changes" }).getByText("+1\n+2\n+3").waitFor();
  assert.match(await page.title(), /^Jobs: /);
  await page.context().close();
}

async function replayedWithEdits(rig: Rig): Promise<void> {
  const id = await submit(rig, "echo no >&2; exit 7");
  const page = await rig.open(`/jobs/${id}`);
  await badge(page, "dead").waitFor();
  await page.getByText("AC_WORKER_EXIT").first().waitFor();
  await page.getByLabel("Stream").selectOption("stderr");
  await page.locator(".log", { hasText: "no" }).waitFor();
  await page.getByRole("button", { name: "Replay …" }).click();
  const dialog = page.getByRole("dialog", { name: "Replay with changes" });
  await dialog.getByLabel("Minutes of an attempt").fill("2");
  await dialog.getByRole("button", { name: "Replay" }).click();
  await page.waitForURL((url) => url.pathname !== `/jobs/${id}`);
  await badge(page, "dead").waitFor();
  await page.getByText("at most 2m").first().waitFor();
  const replay = decodeURIComponent(new URL(page.url()).pathname.slice("/jobs/".length));
  assert.equal((await rig.call<{ replayedAs: string }>(`/v1/jobs/${id}`)).replayedAs, replay);
  assert.equal((await rig.call<{ timeoutMs: number }>(`/v1/jobs/${replay}`)).timeoutMs, 120_000);
  await page.context().close();
}

async function filtered(rig: Rig): Promise<void> {
  await submit(rig, "true # findme");
  const page = await rig.open("/jobs");
  await page.getByLabel("Text in the instructions").fill("FINDME");
  await page.getByRole("button", { name: "succeeded" }).click();
  await page.getByText("More conditions").click();
  await page.getByLabel("Workspace").fill(rig.workspace);
  const rows = page.locator("tbody tr");
  await until("the only job is listed", async () => (await rows.count()) === 1);
  assert.match(page.url(), /text=FINDME&state=succeeded&workspace=/);
  await page.reload();
  await until("it is listed after a reload", async () => (await rows.count()) === 1);
  assert.equal(await page.getByLabel("Workspace").inputValue(), rig.workspace);
  await page.getByLabel("Workspace").fill("/elsewhere");
  await page.getByText("No job matches.").waitFor();
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await until("all are listed", async () => (await rows.count()) > 1);
  await page.context().close();
}

async function replayed(rig: Rig): Promise<void> {
  const page = await rig.open("/dead?label=batch%3Dten-thousand");
  await page.getByRole("link", { name: "Older" }).click();
  await page.getByRole("link", { name: "Newest" }).waitFor();
  await page.getByRole("button", { name: "Replay all that match" }).click();
  const dialog = page.getByRole("dialog", { name: "Replay 10,000 dead letters?" });
  await dialog.getByText("Change their limits").click();
  await dialog.getByLabel("Attempts").fill("3");
  await dialog.getByRole("button", { name: "Replay 10,000 dead letters" }).click();
  await dialog
    .getByRole("status")
    .getByText(/^[1-9][\d,]* of 10,000 replayed/)
    .waitFor();
  await dialog.getByRole("button", { name: "Stop" }).click();
  await dialog.getByText(/^Stopped: /).waitFor();
  const first = deadLetters - (await count(rig, "dead-letters?label=batch%3Dten-thousand"));
  assert.ok(first >= batchJobs && first < deadLetters, `${first} were replayed before the stop`);
  await dialog.locator(".dialog-actions").getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Replay all that match" }).click();
  const rest = page.getByRole("dialog", {
    name: `Replay ${(deadLetters - first).toLocaleString("en-US")} dead letters?`,
  });
  await rest.getByRole("button", { name: /^Replay [\d,]+ dead letters$/ }).click();
  await rest.getByText(/^Done: /).waitFor({ timeout: 120_000 });
  await rest.locator(".dialog-actions").getByRole("button", { name: "Close" }).click();
  await page.getByText("No dead letter matches.").waitFor();
  assert.equal(await count(rig, "dead-letters?label=batch%3Dten-thousand"), 0);
  assert.equal(await count(rig, "dead-letters?label=batch%3Dother"), batchJobs);
  const open = "jobs?label=batch%3Dten-thousand&state=queued&state=running";
  assert.equal(await count(rig, open), deadLetters);

  await page.goto(`${rig.url}/jobs?label=batch%3Dten-thousand`);
  await page.getByRole("button", { name: "Cancel all that match" }).click();
  const cancel = page.getByRole("dialog", { name: "Cancel 10,000 jobs?" });
  await cancel.getByRole("button", { name: "Cancel 10,000 jobs" }).click();
  await cancel.getByText("Done: 10,000 of 10,000 cancelled or asked to stop.").waitFor({ timeout: 180_000 });
  await until("none of them is left", async () => (await count(rig, open)) === 0);
  await page.context().close();
}

async function purged(rig: Rig): Promise<void> {
  const page = await rig.open("/dead?label=batch%3Dother");
  const boxes = page.getByRole("checkbox");
  await boxes.first().check();
  await boxes.nth(1).check();
  await page.getByRole("button", { name: "Purge 2 selected" }).click();
  const dialog = page.getByRole("dialog", { name: "Purge 2 dead letters?" });
  await dialog.getByRole("button", { name: "Purge 2 dead letters" }).click();
  await dialog.getByText("Done: 2 of 2 purged.").waitFor();
  assert.equal(await count(rig, "dead-letters?label=batch%3Dother"), batchJobs - 2);
  await page.context().close();
}

async function fitsPhone(rig: Rig): Promise<void> {
  const job = await submit(rig, `true # ${"a-long-word-".repeat(40)}`);
  for (const path of ["/jobs", `/jobs/${job}`, "/dead", "/dead?label=batch%3Dother&tenant=x"]) {
    const page = await rig.open(path, { width: 360 });
    await page.locator("main section").nth(1).waitFor();
    await page.getByText("Reading …").waitFor({ state: "detached" });
    assert.deepEqual(await page.evaluate(sidewaysScroll), [], path);
    await page.context().close();
  }
}

async function readOnly(rig: Rig): Promise<void> {
  const id = await submit(rig, "sleep 300");
  const page = await rig.open(`/jobs/${id}`, { token: rig.readToken });
  const button = page.getByRole("button", { name: "Cancel" });
  await page.locator("button[aria-disabled=true]", { hasText: "Cancel" }).waitFor();
  await button.click({ force: true });
  assert.notEqual((await rig.call<{ state: string }>(`/v1/jobs/${id}`)).state, "cancelled");
  await rig.call(`/v1/jobs/${id}/cancel`, { force: true });
  await page.context().close();
}
