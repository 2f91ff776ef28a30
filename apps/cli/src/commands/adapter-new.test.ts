/** A new adapter, without its dependencies: `scripts/third-party.mjs` installs one, and runs its tests and a job. */
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { agentcore, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

it("adapter new writes a package, and says what to do next", async () => {
  const { code, stdout } = await agentcore(scratch, ["adapter", "new", "mine"]);
  expect(code).toBe(0);
  expect(stdout).toContain("cd agentcore-adapter-mine\n  npm install && npm test");
  const directory = join(scratch.workspace, "agentcore-adapter-mine");
  const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as object;
  expect(manifest).toMatchObject({ name: "agentcore-adapter-mine", type: "module" });
  const files = readdirSync(directory, { recursive: true }).map(String);
  expect(files).toEqual(
    expect.arrayContaining([
      "README.md",
      "agentcore.yaml",
      "src/adapter.ts",
      "src/reader.ts",
      "test/adapter.test.ts",
    ]),
  );
  const texts = files
    .filter((file) => statSync(join(directory, file)).isFile())
    .map((file) => readFileSync(join(directory, file), "utf8"));
  expect(texts.filter((text) => /\bNAME\b/.test(text))).toEqual([]);
  const adapter = readFileSync(join(directory, "src/adapter.ts"), "utf8");
  expect(adapter).toContain('credentialEnv: ["MINE_API_KEY"]');
  expect(adapter).toContain("spendGateUpstream(");
  expect(statSync(join(directory, "bin/mine-agent.js")).mode & 0o111).not.toBe(0);
});

it("refuses bad names and directories that have something in them, and writes nothing", async () => {
  const taken = join(scratch.workspace, "taken");
  mkdirSync(taken);
  writeFileSync(join(taken, "mine.txt"), "mine");
  writeFileSync(join(scratch.workspace, "file"), "");
  const runs = await Promise.all(
    [["Bad Name"], ["../x"], ["shell"], ["mine", "taken"], ["mine", "file"]].map((words) =>
      agentcore(scratch, ["adapter", "new", ...words]),
    ),
  );
  expect(runs.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2]);
  expect(runs[0]?.stderr).toContain('"Bad Name" is not a name for an adapter: use lower-case letters');
  expect(runs[2]?.stderr).toContain('"shell" is a built-in worker');
  expect(runs[3]?.stderr).toContain(
    "taken already exists; name a directory that does not exist, or is empty",
  );
  expect(runs[4]?.stderr).toContain("file already exists");
  expect(readdirSync(scratch.workspace).toSorted()).toEqual(["file", "taken"]);
  expect(readdirSync(taken)).toEqual(["mine.txt"]);
});
