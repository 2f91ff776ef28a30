/** The live screen on a real terminal: what is seen, what keys do, and that the terminal is left as it was. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { makeScratch } from "../testing/agentcore-process.ts";
import { startOnPty, type Pty, type PtyOptions } from "../testing/pty.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

/** Each step reports that it begins, and continues when a file exists. */
const step = (id: string, more = ""): string =>
  `  ${id}: { worker: shell, capabilities: [read], instructions: "echo ${id} begins; until test -e go-$RUN-${id}; do sleep 0.05; done"${more} }\n`;

const started: Pty[] = [];
afterEach(() => started.splice(0).forEach((pty) => pty.end()));

let count = 0;
/** A workflow whose steps `a` and `b` wait for `go`, one after the other. */
function workflow(): { readonly file: string; readonly go: (id: string) => void } {
  const run = `${count++}`;
  const file = join(scratch.root, `live-${run}.yaml`);
  const text = `name: live\nversion: "1"\ntimeout: 2m\nbudget: { cost_usd: 3 }\nsteps:\n${step("a")}${step("b", ", depends_on: [a]")}`;
  writeFileSync(file, text.replaceAll("$RUN", run));
  return { file, go: (id) => writeFileSync(join(scratch.workspace, `go-${run}-${id}`), "") };
}

function start(
  options: PtyOptions = {},
  ...args: string[]
): { readonly pty: Pty; readonly go: (id: string) => void } {
  const { file, go } = workflow();
  const pty = startOnPty(scratch, ["workflow", "run", file, ...args], options);
  started.push(pty);
  return { pty, go };
}

const seen =
  (...texts: (string | RegExp)[]) =>
  (screen: string): boolean =>
    texts.every((text) => (typeof text === "string" ? screen.includes(text) : text.test(screen)));

/** As a shell needs it: echo, lines, signals by keys, the cursor, and the former content of the screen. */
function expectRestored(pty: Pty): void {
  expect(pty.isAlternate()).toBe(false);
  expect(pty.isCursorShown()).toBe(true);
  expect(pty.settings()).toMatch(/^isig icanon iexten echo /m);
}

it("shows the steps while they work, then the summary, and leaves the terminal as it was", async () => {
  const { pty, go } = start();
  await pty.until(
    seen("0/2 steps, 1 running", "$0 of $3.00", /❯ RUNNING +a .*a begins/, "PENDING    b", "── a ─"),
  );
  expect(pty.isAlternate()).toBe(true);
  expect(pty.isCursorShown()).toBe(false);
  go("a");
  await pty.until(seen("1/2 steps", "PASS       a", /❯ RUNNING +b .*b begins/));
  go("b");
  expect(await pty.finished).toBe(0);
  expect(pty.screen().join("\n")).toMatch(/RESULT +STEP[\s\S]*PASS +a[\s\S]*Workflow: SUCCEEDED/);
  expectRestored(pty);
});

it("keys select, and the log is that of what is selected", async () => {
  const { pty, go } = start();
  await pty.until(seen(/❯ RUNNING +a/));
  pty.type("j");
  await pty.until(seen(/❯ PENDING +b/, "── b ─", "nothing yet"));
  pty.type("\u001b[A");
  await pty.until(seen(/❯ RUNNING +a/, "── a ─"));
  go("a");
  go("b");
  expect(await pty.finished).toBe(0);
});

it("q goes on with lines, on a terminal as it was", async () => {
  const { pty, go } = start();
  await pty.until(seen(/RUNNING +a/));
  pty.type("q");
  go("a");
  await pty.until(seen("PASS       a", "RUNNING    b"));
  expect(pty.isAlternate()).toBe(false);
  // The terminal itself turns it into a signal again.
  pty.type("\u0003");
  expect(await pty.finished).toBe(130);
  expectRestored(pty);
});

it("follows the size of the terminal, and cuts lines where it ends", async () => {
  const { pty, go } = start({ columns: 100, rows: 30 }, "--max-cost", "2");
  await pty.until(seen("── a ─", "Esc follow"));
  await pty.resize(30, 8);
  // Cut at the width of the terminal, and without room for the log.
  await pty.until((screen) => /^live {2}0\/2 steps, 1 running.*…$/m.test(screen) && !screen.includes("──"));
  await pty.resize(60, 20);
  await pty.until(seen("── a ─", "$0 of $2.00"));
  go("a");
  go("b");
  expect(await pty.finished).toBe(0);
});

describe("the terminal is left as it was", () => {
  it("after Ctrl-C, which stops the run cleanly", async () => {
    const { pty } = start();
    await pty.until(seen("a begins"));
    pty.type("\u0003");
    expect(await pty.finished).toBe(130);
    expect(pty.screen().join("\n")).toContain("Workflow: INTERRUPTED");
    expectRestored(pty);
  });

  it.each(["SIGTERM", "SIGHUP"] as const)("after %s", async (signal) => {
    const { pty } = start();
    await pty.until(seen("a begins"));
    process.kill(pty.pid(), signal);
    expect(await pty.finished).toBe(130);
    expectRestored(pty);
  });

  it("after a crash, whose report is seen", async () => {
    const crash = join(scratch.root, "crash.cjs");
    const now = JSON.stringify(join(scratch.root, "crash-now"));
    writeFileSync(
      crash,
      `setInterval(() => { if (require("node:fs").existsSync(${now})) throw new Error("planted"); }, 50).unref();`,
    );
    const { pty } = start({ env: { NODE_OPTIONS: `--require ${crash}` } });
    await pty.until(seen("a begins"));
    writeFileSync(join(scratch.root, "crash-now"), "");
    expect(await pty.finished).not.toBe(0);
    expect(pty.screen().join("\n")).toContain("Error: planted");
    expectRestored(pty);
  });

  it("while Ctrl-Z stops it; where no shell could wake it, it goes on at once", async () => {
    const { pty, go } = start();
    await pty.until(seen("a begins"));
    const before = pty.raw().length;
    pty.type("\u001a");
    await pty.until(() => /1049l.*1049h/s.test(pty.raw().slice(before)));
    await pty.until((screen) => pty.isAlternate() && screen.includes("RUNNING    a"));
    go("a");
    go("b");
    expect(await pty.finished).toBe(0);
    expectRestored(pty);
  });
});

describe("plain lines, without one sequence that moves the cursor,", () => {
  it.each<[string, PtyOptions, string[]]>([
    ["on a terminal that cannot move it", { env: { TERM: "dumb" } }, []],
    ["on a terminal too small for more", { rows: 4 }, []],
    ["with --plain", {}, ["--plain"]],
    ["with -v, which shows what steps print", {}, ["-v"]],
  ])("%s", async (_what, options, args) => {
    const { pty, go } = start(options, ...args);
    go("a");
    go("b");
    expect(await pty.finished).toBe(0);
    // eslint-disable-next-line no-control-regex
    expect(pty.raw()).not.toMatch(/\u001b\[(?!\d*(;\d+)*m)/);
    expect(pty.raw()).toContain("PASS");
    expect(stripVTControlCharacters(pty.raw()).includes("a | a begins")).toBe(args.includes("-v"));
  });
});

it("NO_COLOR leaves out colors only", async () => {
  const { pty, go } = start({ env: { NO_COLOR: "1" } });
  await pty.until(seen(/❯ RUNNING +a/));
  go("a");
  go("b");
  expect(await pty.finished).toBe(0);
  // eslint-disable-next-line no-control-regex
  expect(pty.raw()).not.toMatch(/\u001b\[\d*m/);
});

it("without a keyboard the screen is shown all the same", async () => {
  const { pty, go } = start({ shell: (command) => `${command} < /dev/null` });
  await pty.until(seen(/❯ RUNNING +a/));
  go("a");
  go("b");
  expect(await pty.finished).toBe(0);
  expectRestored(pty);
  expect(existsSync(join(scratch.workspace, "context/b/_meta.json"))).toBe(true);
});
