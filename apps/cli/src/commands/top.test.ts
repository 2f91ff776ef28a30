/** `agentcore top` on real terminals, with a real daemon. */
import { until } from "@agentcore/contract/testing";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentcore, makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { startDaemon, writeDaemonFile, writeFlow, type StartedDaemon } from "../testing/daemon-process.ts";
import { startOnPty, type Pty } from "../testing/pty.ts";

const file = `events:
  orders: { type: queue, topic: orders }
triggers:
  on-order: { on: orders, workflow: flow.yaml }
`;

let scratch: Scratch;
let daemon: StartedDaemon;
beforeAll(async () => {
  scratch = makeScratch();
  writeFlow(scratch, "echo begun; sleep 300");
  writeDaemonFile(scratch, file);
  daemon = await startDaemon(scratch);
});
afterAll(() => scratch.remove());

const here = () => ["--state-dir", scratch.stateDir];
const top = (columns: number, rows = 24): Pty => startOnPty(scratch, ["top", ...here()], { columns, rows });
const submit = (script: string) =>
  agentcore(scratch, ["submit", script, "--worker", "shell", "--capabilities", "run_commands", ...here()]);
const isGone = (pid: number): boolean => !existsSync(`/proc/${pid}`);

it("shows the first screen at any width, follows what happens, pauses, and ends on q with the terminal as it was", async () => {
  const terminal = top(60);
  await terminal.until((screen) => screen.startsWith("test · ready · 0 running · 0 waiting"));
  await terminal.until((screen) => screen.includes("nothing runs"));
  expect(terminal.isAlternate()).toBe(true);
  // Text of a job that would erase the screen and set the title.
  await submit("printf 'begun\\n'; sleep 300 # \u001b[2J\u001b]0;title\u0007end");
  await terminal.until((screen) => /^[0-9a-f]{8} +working +/m.test(screen) && screen.includes("1 running"));
  expect(terminal.raw()).not.toContain("\u001b]0;");
  for (const [columns, rows] of [
    [100, 30],
    [200, 12],
    [60, 24],
  ] as const) {
    await terminal.resize(columns, rows);
    await terminal.until((screen) => screen.trimEnd().endsWith("q or Ctrl-C ends · p pauses"));
    expect(terminal.screen().every((line) => line.length <= columns)).toBe(true);
  }
  terminal.type("p");
  await terminal.until((screen) => screen.includes("paused · p goes on"));
  await agentcore(scratch, ["trigger", "pause", "on-order", "--note", "holidays", ...here()]);
  await agentcore(scratch, ["trigger", "list", ...here()]);
  expect(terminal.screen().join("\n")).not.toContain("holidays");
  terminal.type("p");
  await terminal.until((screen) => screen.includes("trigger on-order is paused: holidays"));
  await agentcore(scratch, ["trigger", "resume", "on-order", ...here()]);
  await terminal.until((screen) => !screen.includes("holidays"));
  terminal.type("q");
  expect(await terminal.finished).toBe(0);
  expect(terminal.isAlternate()).toBe(false);
  expect(terminal.isCursorShown()).toBe(true);
});

it("says that the daemon went away, connects again, and ends on Ctrl-C and with its terminal", async () => {
  const [first, second] = [top(100), top(100)];
  for (const terminal of [first, second]) await terminal.until((screen) => screen.startsWith("test · ready"));
  await daemon.kill("SIGKILL");
  await first.until((screen) => /the daemon went away \d+ s ago; connecting again/.test(screen));
  daemon = await startDaemon(scratch);
  await first.until((screen) => screen.includes("q or Ctrl-C ends · p pauses") && screen.includes("up "));
  first.type("\u0003");
  expect(await first.finished).toBe(0);
  const pid = second.pid();
  second.end();
  await until(() => isGone(pid));
});

it("prints one frame without escapes for a pipe or with --once, and the document with --json", async () => {
  for (const args of [["--once"], []]) {
    const { code, stdout } = await agentcore(scratch, ["top", ...args, ...here()]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^test · ready · /);
    expect(stdout).toMatch(/^RUNNING$/m);
    expect(stdout).not.toContain("\u001b");
  }
  const { stdout } = await agentcore(scratch, ["top", "--json", ...here()]);
  expect(JSON.parse(stdout)).toMatchObject({ v: 1, type: "overview", name: "test", ready: "ready" });
});

it("says what to do where no daemon runs", async () => {
  const other = join(scratch.root, "other-state");
  const { code, stderr } = await agentcore(scratch, ["top", "--state-dir", other]);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(
    /no daemon runs on .*other-state; name the state directory of one with --state-dir, or its --url, or start one with agentcored FILE/,
  );
  expect(stderr).not.toMatch(/^ +at /m);
});
