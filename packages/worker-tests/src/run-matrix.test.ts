import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";

let folder: string;

beforeEach(async () => {
  // Inside the workspace, so that the cases written there find vitest; ignored by git.
  const cache = join(import.meta.dirname, "..", "..", "..", ".cache");
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(join(cache, "run-matrix-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** What `runMatrix` prints and returns for one file of cases, in a process of its own. */
async function runCases(source: string, pattern?: string): Promise<{ lines: string[]; counts: unknown }> {
  await writeFile(join(folder, "some.workers.ts"), `import { expect, it } from "vitest";\n${source}`);
  const config = join(folder, "vitest.config.ts");
  await writeFile(
    config,
    `export default { root: ${JSON.stringify(folder)}, test: { include: ["*.workers.ts"] } };`,
  );
  const program = `
    import { runMatrix } from ${JSON.stringify(join(import.meta.dirname, "run-matrix.ts"))};
    const options = ${JSON.stringify({ config, pattern })};
    const counts = await runMatrix({ pattern: undefined, ...options, print: (line) => console.log(line) });
    console.log(JSON.stringify(counts));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
    env: { PATH: process.env["PATH"] },
    timeout: 25_000,
  }).catch((failed: { stdout: string }) => failed);
  const lines = stdout.trimEnd().split("\n");
  return { counts: JSON.parse(lines.pop() ?? ""), lines };
}

it("prints a line per case with its note, the reason of a failure, and the counts last", async () => {
  const { lines, counts } = await runCases(`
    it("good", ({ task }) => { task.meta.note = "as expected"; });
    it("bad", () => { expect(1, "the number").toBe(2); });`);
  expect(lines[0]).toMatch(/^ok {5}good +as expected$/);
  expect(lines[1]).toMatch(/^FAILED bad/);
  expect(lines[2]).toMatch(/^ +the number: expected 1 to be 2/);
  expect(lines.at(-1)).toBe("1 passed, 1 failed");
  expect(counts).toEqual({ passed: 1, failed: 1 });
});

it("runs only the cases that match a pattern, and does not count the others", async () => {
  const { lines, counts } = await runCases(
    `it("one", () => {}); it("two", () => { throw new Error("x"); });`,
    "one",
  );
  expect(lines).toEqual([expect.stringMatching(/^ok +one/), "1 passed, 0 failed"]);
  expect(counts).toEqual({ passed: 1, failed: 0 });
});

it("a pattern that matches nothing is said", async () => {
  const { lines } = await runCases(`it("one", () => {});`, "no such case");
  expect(lines).toEqual(['no case matches "no such case"', "0 passed, 0 failed"]);
});

it("an error outside of any case counts as failed", async () => {
  const { lines, counts } = await runCases(`throw new Error("the file is broken");`);
  expect(lines.join("\n")).toMatch(/FAILED outside of any case\n.*the file is broken/);
  expect(counts).toEqual({ passed: 0, failed: 1 });
});
