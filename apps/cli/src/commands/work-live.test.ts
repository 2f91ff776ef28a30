import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, makeScratch } from "../testing/agentcore-process.ts";
import { startOnPty } from "../testing/pty.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());
const submit = (script: string) =>
  agentcore(scratch, ["submit", script, "--worker", "shell", "--capabilities", "run_commands"]);

it("`work` on a terminal shows what runs, waits and ended, goes on as lines with q, and says at the end what was done", async () => {
  await submit("echo first words; until [ -e go ]; do sleep 0.05; done");
  await submit("exit 3");
  const terminal = startOnPty(scratch, ["work", "--drain", "--in-process"], { columns: 90 });
  await terminal.until((screen) => screen.startsWith("1 running · 1 waiting · 0 succeeded · 0 failed"));
  await terminal.until((screen) => /^[0-9a-f]{8} +shell +[\d.]+s +– +first words$/m.test(screen));
  expect(terminal.isAlternate()).toBe(true);
  writeFileSync(join(scratch.workspace, "go"), "");
  expect(await terminal.finished).toBe(0);
  expect(terminal.isAlternate()).toBe(false);
  expect(terminal.isCursorShown()).toBe(true);
  const lines = terminal.screen().filter(Boolean);
  expect(lines.join("\n")).toMatch(/ succeeded {2}after .*\n.* failed {2}after .*: AC_WORKER_EXIT/);
  expect(lines.at(-1)).toMatch(/^1 succeeded, 1 failed in /);
});

it("one Ctrl-C on the live screen lets what runs finish, and q shows lines from then on", async () => {
  await submit("touch begun; until [ -e on ]; do sleep 0.05; done");
  const terminal = startOnPty(scratch, ["work"], { columns: 90 });
  await terminal.until((screen) => screen.startsWith("1 running"));
  await expect.poll(() => existsSync(join(scratch.workspace, "begun")), { timeout: 20_000 }).toBe(true);
  terminal.type("\u0003");
  await terminal.until((screen) =>
    screen.includes("finishing running jobs; press Ctrl-C again to stop them"),
  );
  terminal.type("q");
  await expect.poll(() => terminal.isAlternate(), { timeout: 20_000 }).toBe(false);
  writeFileSync(join(scratch.workspace, "on"), "");
  expect(await terminal.finished).toBe(0);
  expect(terminal.screen().filter(Boolean).at(-1)).toMatch(/^1 succeeded, 0 failed in /);
});
