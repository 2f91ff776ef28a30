import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { shortId } from "../screen/short-id.ts";
import { agentcore, jsonLinesOf, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const run = (...args: string[]) => agentcore(scratch, args);

it("@last after a refused run or submit says what was refused, and acts on no older job", async () => {
  const first = await run("submit", "true", "-w", "shell", "--key", "k", "--delay", "1h");
  const id = first.stdout.trim();
  writeFileSync(
    join(scratch.workspace, "agentcore.yaml"),
    "limits: { global: { cost_usd: { total: 1 } } }\ndegrade: { when_budget_is_short: false }\n",
  );
  const limited = ["--config", join(scratch.workspace, "agentcore.yaml")];
  const refused = await run("run", "true", "-w", "shell", "--no-wait", "--max-cost", "5", ...limited);
  expect(refused.code).toBe(3);
  for (const verb of [["why"], ["jobs", "show"], ["jobs", "logs"], ["jobs", "cancel"], ["jobs", "wait"]]) {
    const { code, stdout, stderr } = await run(...verb, "@last");
    expect({ verb, code, stdout }).toEqual({ verb, code: 2, stdout: "" });
    expect(stderr).toMatch(/the last run was refused, so there is no job of it: .*\(AC_BUDGET_COST\)/);
    expect(stderr).toContain(`the newest job is ${shortId(id)}`);
  }
  expect((await run("why", id)).code).toBe(0);
  const held = await run("submit", "true", "-w", "shell", "--key", "k", "--dedup", "reject");
  expect(held.code).toBe(3);
  expect((await run("why", "@last")).stderr).toMatch(/the last submit was refused.*AC_KEY_HELD/);
  const again = (await run("submit", "true", "-w", "shell")).stdout.trim();
  expect((await run("why", "@last")).stdout).toContain(shortId(again));
}, 60_000);

it("commands that only read create no state directory, and say so", async () => {
  const missing = join(scratch.root, "typo");
  const empty = join(scratch.root, "empty");
  mkdirSync(empty);
  for (const verb of [
    ["jobs", "list"],
    ["jobs", "show", "@last"],
    ["jobs", "logs", "@last"],
    ["jobs", "wait", "@last"],
    ["jobs", "cancel", "@last"],
    ["why", "@last"],
    ["dlq", "list"],
    ["budget"],
    ["workflow", "list"],
    ["workflow", "show", "@last"],
  ])
    for (const place of [missing, empty]) {
      const { code, stdout, stderr } = await run(...verb, "--state-dir", place);
      expect({ verb, code, stdout }).toEqual({ verb, code: 2, stdout: "" });
      expect(stderr).toContain(`there is no state in ${place}: correct --state-dir`);
    }
  expect(existsSync(missing)).toBe(false);
  expect(existsSync(join(empty, "state.db"))).toBe(false);
  expect((await run("submit", "true", "-w", "shell", "--state-dir", missing)).code).toBe(0);
  expect((await run("jobs", "list", "--state-dir", missing)).code).toBe(0);
}, 60_000);

it("jobs list marks delayed jobs with the time until they are due, and why --json says what a job waits for", async () => {
  const id = (await run("submit", "true", "-w", "shell", "--delay", "2h")).stdout.trim();
  await run("submit", "true", "-w", "shell");
  const { stdout } = await run("jobs", "list");
  expect(stdout).toMatch(new RegExp(`${shortId(id)} +queued, due in (?:2h|1h 59m)`));
  expect(stdout.match(/due in/g)).toHaveLength(1);
  const [why] = jsonLinesOf((await run("why", id, "--json")).stdout);
  expect(why).toHaveProperty("waitingFor", null);
});
