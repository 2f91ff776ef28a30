/** The example of a service, as a package of its own that has `agentcore` and `fastify`: its tests, and its start and end. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";

const here = fileURLToPath(new URL("../..", import.meta.url));
const example = fileURLToPath(new URL("../../../../examples/fastify-service", import.meta.url));

let folder: string;
let scratch: Scratch;
const children: ChildProcess[] = [];
beforeEach(() => {
  scratch = makeScratch();
  // Below this package, so that both are found by name; without the manifest, for which it would be another package.
  folder = mkdtempSync(join(here, ".fastify-example-"));
  for (const file of ["service.ts", "main.ts", "service.test.ts"])
    cpSync(join(example, file), join(folder, file));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
  await scratch.remove();
});

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ["--conditions=@agentcore/source", ...args], {
    cwd: folder,
    // The runner of its tests must not think that it is run by another one.
    env: { PATH: process.env["PATH"], HOME: scratch.root, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output.text += text));
  return { child, output };
}

it("the tests of the Fastify example pass", async () => {
  const { child, output } = start(["--test", "service.test.ts"]);
  const [code] = (await once(child, "close")) as [number];
  expect({ code, output: output.text }).toMatchObject({ code: 0 });
  expect(output.text).toMatch(/pass 3\b/);
});

it("the Fastify example answers, and ends cleanly on SIGTERM", async () => {
  const { child, output } = start(["main.ts"], { PORT: "0", STATE_DIR: scratch.stateDir });
  const closed = once(child, "close");
  await once(child.stdout, "data");
  const address = /http:\/\/\S+/.exec(output.text)?.[0] ?? "";
  const answer = await fetch(`${address}/reviews/none`);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ code: "AC_JOB_NOT_FOUND" });
  child.kill("SIGTERM");
  expect(await closed).toEqual([0, null]);
  expect(findSurvivors([scratch.root])).toEqual([]);
});

it("the Fastify example ends on SIGTERM while clients wait for a result and read a stream", async () => {
  const { child, output } = start(["main.ts"], {
    PORT: "0",
    STATE_DIR: scratch.stateDir,
    PATH: `${agentThatHangs(scratch)}:${process.env["PATH"]}`,
    ANTHROPIC_API_KEY: "none",
  });
  const closed = once(child, "close");
  await once(child.stdout, "data");
  const address = /http:\/\/\S+/.exec(output.text)?.[0] ?? "";
  const body = JSON.stringify({ pullRequest: 7, workspace: scratch.workspace });
  const headers = { "content-type": "application/json" };
  const submitted = await fetch(`${address}/reviews`, { method: "POST", headers, body });
  const { id } = (await submitted.json()) as { id: string };
  const result = fetch(`${address}/reviews/${id}/result`);
  const stream = await fetch(`${address}/reviews/${id}/events`);
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  await readTo(reader, '"type":"attempt_started"');
  child.kill("SIGTERM");
  while (!(await reader.read()).done);
  const answer = await result;
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: "AC_DRAINING" });
  expect(await closed).toEqual([0, null]);
  expect(findSurvivors([scratch.root])).toEqual([]);
});

async function readTo(reader: ReadableStreamDefaultReader<string>, text: string): Promise<void> {
  for (let read = ""; !read.includes(text);) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the stream ended before ${text}: ${read}`);
    read += value;
  }
}

/** A directory with a program `claude` that never ends. */
function agentThatHangs({ root }: Scratch): string {
  const program = join(root, "claude");
  const script = `#!/bin/sh\n[ "$1" = --version ] && echo "2.1.400 (Claude Code)" || sleep 300\n`;
  writeFileSync(program, script, { mode: 0o755 });
  return root;
}
