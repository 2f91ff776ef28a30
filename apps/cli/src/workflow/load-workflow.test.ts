import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, expect, it } from "vitest";
import type { Io } from "../io.ts";
import { loadWorkflow } from "./load-workflow.ts";

const directory = mkdtempSync(join(tmpdir(), "agentcore-load-"));
afterAll(() => rmSync(directory, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
const profile = (worker: string): string =>
  `version: "1"\nagents: { dev: { worker: ${worker}, capabilities: [read] } }\n`;

const main = file(
  "main.yaml",
  'name: w\nversion: "1"\ntimeout: 1m\nsteps: { a: { agent: dev, instructions: x } }\n',
);
file("agents.yaml", profile("beside"));
const one = file("one.yaml", profile("one"));
const two = file("two.yaml", profile("two"));

it.each<[string, readonly string[] | undefined, Record<string, string>, string]>([
  ["the file beside the workflow", undefined, {}, "beside"],
  ["AGENTCORE_AGENTS_FILE instead of that", undefined, { AGENTCORE_AGENTS_FILE: one }, "one"],
  ["the last file of AGENTCORE_AGENTS_FILE", undefined, { AGENTCORE_AGENTS_FILE: `${two}:${one}` }, "one"],
  ["ROBOPPI_AGENTS_FILE likewise", undefined, { ROBOPPI_AGENTS_FILE: `${one}:${two}` }, "two"],
  [
    "AGENTCORE_AGENTS_FILE before that",
    undefined,
    { AGENTCORE_AGENTS_FILE: one, ROBOPPI_AGENTS_FILE: two },
    "one",
  ],
  ["the last --agents instead of all", [one, two], { AGENTCORE_AGENTS_FILE: one }, "two"],
])("agent profiles come from %s", async (_name, agents, env, worker) => {
  const stream = new PassThrough();
  const io = { cwd: directory, env, stdin: stream, stdout: stream, stderr: stream } as unknown as Io;
  const loaded = await loadWorkflow(main, agents, io);
  expect(loaded.ok && loaded.workflow.steps[0]?.action).toMatchObject({ work: { worker } });
});

it.each([
  ["a pipe", (path: string) => execFileSync("mkfifo", [path]), "not a regular file"],
  ["an endless device", (path: string) => symlinkSync("/dev/zero", path), "not a regular file"],
  [
    "a file of 3 GB",
    (path: string) => (writeFileSync(path, ""), truncateSync(path, 3e9)),
    "larger than 16 MiB",
  ],
])(
  "%s in the place of a file that belongs to a workflow is refused, and not read",
  async (_name, put, words) => {
    const at = mkdtempSync(join(directory, "odd-"));
    copyFileSync(main, join(at, "main.yaml"));
    put(join(at, "agents.yaml"));
    const stream = new PassThrough();
    const io = { cwd: at, env: {}, stdin: stream, stdout: stream, stderr: stream } as unknown as Io;
    await expect(loadWorkflow("main.yaml", undefined, io)).rejects.toMatchObject({
      code: "AC_WORKFLOW_INVALID",
      message: expect.stringContaining(words) as string,
    });
  },
);
