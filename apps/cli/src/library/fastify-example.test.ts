/** The example of a service, as a package of its own that has `agentcore` and `fastify`: its tests, and its start and end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";

const here = fileURLToPath(new URL("../..", import.meta.url));
const example = fileURLToPath(new URL("../../../../examples/fastify-service", import.meta.url));

let folder: string;
let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
  // Below this package, so that both are found by name; without the manifest, for which it would be another package.
  folder = mkdtempSync(join(here, ".fastify-example-"));
  for (const file of ["service.ts", "main.ts", "service.test.ts"])
    cpSync(join(example, file), join(folder, file));
});
afterEach(async () => {
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
