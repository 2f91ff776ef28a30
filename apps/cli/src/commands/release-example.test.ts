/** The example `release.yaml` of the guide, with every answer that its approval can get. */
import { until } from "@agentcore/contract/testing";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  agentcore,
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Scratch,
} from "../testing/agentcore-process.ts";

const file = fileURLToPath(new URL("../../../../examples/workflows/release.yaml", import.meta.url));

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
  mkdirSync(join(scratch.workspace, "src"));
  writeFileSync(join(scratch.workspace, "src/main.c"), "int main() {}\n");
});
afterEach(() => scratch.remove());

const at = (...path: string[]): string => join(scratch.workspace, ...path);
const textOf = (...path: string[]): string => readFileSync(at(...path), "utf8");
const lastRelease = (): string => textOf("last-release.txt");
const isPublished = (): boolean => existsSync(at("registry", "1.4.0.tgz"));
const cli = (...args: string[]) => agentcore(scratch, ["workflow", ...args]);

/** Resolves with the run when it waits for the approval. */
async function started(token: string) {
  const process = startAgentcore(scratch, ["workflow", "run", file, "--input", "version=1.4.0", "--json"], {
    env: { RELEASE_TOKEN: token },
  });
  await process.saw('"status":"WAITING"');
  const id = String(jsonLinesOf(process.stdout().split("\n")[0] ?? "")[0]?.["run"]);
  return { process, id };
}

it("is published once somebody approves, with a token that is shown nowhere", async () => {
  const { process, id } = await started("t0ken-of-today");
  expect((await cli("show", id)).stdout).toContain("Publish package.tgz, version 1.4.0?");
  await cli("approve", id);
  const { code, stdout } = await process.finished;
  expect({ code, isPublished: isPublished(), note: lastRelease() }).toEqual({
    code: 0,
    isPublished: true,
    note: "1.4.0 SUCCEEDED\n",
  });
  const logs = (await cli("logs", id, "publish")).stdout;
  expect(logs).toContain("signing in with ***");
  expect(stdout + logs).not.toContain("t0ken-of-today");

  // The same sources and the same version: nothing is built again.
  const built = textOf("build-time.txt");
  const again = await started("t0ken-of-today");
  await cli("reject", again.id);
  await again.process.finished;
  expect(textOf("build-time.txt")).toBe(built);
});

it("is not published if somebody rejects it, and there is nothing to take back", async () => {
  const { process, id } = await started("t0ken-of-today");
  await cli("reject", id, "-m", "not today");
  expect((await process.finished).code).toBe(1);
  expect({ isPublished: isPublished(), note: lastRelease() }).toEqual({
    isPublished: false,
    note: "1.4.0 SKIPPED\n",
  });
  const steps = (await cli("show", id)).stdout;
  expect(steps).toMatch(/^FAIL +approve .*not today/m);
  expect(steps).toMatch(/^SKIP +rollback/m);
});

it("is taken back if publishing fails", async () => {
  const { process, id } = await started("expired");
  await cli("approve", id);
  expect((await process.finished).code).toBe(1);
  expect({ isPublished: isPublished(), note: lastRelease() }).toEqual({
    isPublished: false,
    note: "1.4.0 FAILED\n",
  });
  expect((await cli("show", id)).stdout).toMatch(/^PASS +rollback/m);
});

it("goes on after kill -9 with the answer that was given meanwhile", async () => {
  const { process, id } = await started("t0ken-of-today");
  process.child.kill("SIGKILL");
  await process.finished;
  await cli("approve", id);
  const resumed = await agentcore(scratch, ["workflow", "resume", id], {
    env: { RELEASE_TOKEN: "t0ken-of-today" },
  });
  expect(resumed.code).toBe(0);
  await until(isPublished);
  expect(lastRelease()).toBe("1.4.0 SUCCEEDED\n");
});
