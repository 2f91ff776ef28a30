import { afterAll, describe, expect, it } from "vitest";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { configSchema } from "../config/schema.ts";
import type { LoadedConfig } from "../config/load.ts";
import { checkJob, checkWorkspace, jobFromOptions, readInstructions } from "./job-from-options.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-job-")));
const here = { cwd: root, env: {} };
afterAll(() => rmSync(root, { recursive: true, force: true }));

const loaded = (config: object = {}): LoadedConfig => ({
  config: configSchema({}).parse(config),
  source: null,
  ignored: [],
  refused: null,
});

it.each([
  ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "taken on"],
  ["not one", "left out"],
])("the caller's TRACEPARENT %j is %s", (text, what) => {
  const job = jobFromOptions("x", { worker: "shell" }, loaded(), { cwd: root, env: { TRACEPARENT: text } });
  expect(job.context?.traceparent).toBe(what === "taken on" ? text : undefined);
});

it("options become a job, in the workspace named", () => {
  mkdirSync(join(root, "w"), { recursive: true });
  const job = jobFromOptions(
    "do it",
    {
      worker: "codex",
      workspace: "w",
      capabilities: ["read", "edit"],
      timeout: 60_000,
      maxCost: 2.5,
      key: "k",
      dedup: "reject",
      interactive: true,
      requireSealed: true,
      label: { a: "b" },
      env: { A: "1" },
    },
    loaded(),
    here,
  );
  expect(job).toMatchObject({
    key: "k",
    dedup: "reject",
    priority: { class: "interactive" },
    task: {
      worker: "codex",
      workspace: join(root, "w"),
      instructions: "do it",
      capabilities: ["read", "edit"],
      env: { A: "1" },
    },
    limits: { timeoutMs: 60_000, maxCostUsd: 2.5, maxAttempts: 1 },
    requireContainment: "sealed",
    context: { labels: { a: "b" } },
  });
  expect(JSON.parse(JSON.stringify(job))).toEqual(job);
});

it("the configuration's defaults stand in for what is not said", () => {
  const config = loaded({
    defaults: { worker: "shell", capabilities: ["run_tests"], timeout: "5m", max_attempts: 3, model: "m" },
  });
  expect(jobFromOptions("x", {}, config, here)).toMatchObject({
    task: { worker: "shell", capabilities: ["run_tests"], model: "m" },
    limits: { timeoutMs: 300_000, maxAttempts: 3 },
  });
  expect(jobFromOptions("x", { worker: "codex", timeout: 1000 }, config, here)).toMatchObject({
    task: { worker: "codex" },
    limits: { timeoutMs: 1000 },
  });
});

describe("refused", () => {
  it("without a worker", () => {
    expect(() => jobFromOptions("x", {}, loaded(), here)).toThrow("no worker given: use --worker NAME");
  });

  it("without a workspace that is a directory", () => {
    writeFileSync(join(root, "file"), "");
    expect(() => checkWorkspace(join(root, "absent"))).toThrow(/absent does not exist/);
    expect(() => checkWorkspace(join(root, "file"))).toThrow(/file is not a directory/);
  });

  it("with every wrong field named", () => {
    expect(() =>
      checkJob({ task: { worker: "", workspace: "/", instructions: " " }, limits: { maxAttempts: 101 } }),
    ).toThrow(/task\.worker: .*; task\.instructions: instructions are empty; limits\.maxAttempts: /);
    expect(() => checkJob({})).toThrow("task: ");
  });

  it("when it is larger than a job may be", () => {
    const instructions = "x".repeat(1024 * 1024);
    expect(() => jobFromOptions(instructions, { worker: "shell" }, loaded(), here)).toThrow(
      /at most 1048576 are taken/,
    );
    const { task } = jobFromOptions("x", { worker: "shell" }, loaded(), here);
    const spare = 1024 * 1024 - Buffer.byteLength(JSON.stringify({ task }));
    const filled = (more: number) => ({ task: { ...task, instructions: "x".repeat(spare + more) } });
    expect(() => checkJob(filled(1))).not.toThrow();
    expect(() => checkJob(filled(2))).toThrow(/1048576 are allowed/);
  });
});

it("a workspace is known by its real path, whatever link leads there", () => {
  mkdirSync(join(root, "real"));
  symlinkSync(join(root, "real"), join(root, "link"));
  expect(checkWorkspace(join(root, "link"))).toBe(join(root, "real"));
});

describe("instructions", () => {
  const stdin = (text: string) => ({ stdin: Readable.from([Buffer.from(text)]) });

  it("are the argument, or stdin for a dash", async () => {
    expect(await readInstructions("do it", stdin("unread"))).toBe("do it");
    expect(await readInstructions("-", stdin("from\nstdin\n"))).toBe("from\nstdin\n");
  });

  it.each([
    [undefined, "", "no instructions given"],
    ["", "", "the instructions are empty"],
    ["  \n", "", "the instructions are empty"],
    ["-", "", "the instructions are empty"],
    ["-", "x".repeat(1024 * 1024 + 1), "stdin has more than 1048576 bytes"],
  ])("%j are refused", async (argument, text, message) => {
    await expect(readInstructions(argument, stdin(text))).rejects.toThrow(message);
  });
});
