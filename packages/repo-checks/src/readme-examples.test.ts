import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { manifestOf, packageFolders, read, root } from "./repository.ts";

/** ```ts blocks of a document, each a whole program. */
function examplesIn(document: string): string[] {
  return [...read(document).matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
}

const examples = (folder: string): string[] => examplesIn(`${folder}/README.md`);

const folders = packageFolders().filter((folder) => existsSync(join(root, folder, "README.md")));
const published = folders.filter((folder) => manifestOf(folder).private !== true);

it("the README of every published package has an example", () => {
  expect(published.filter((folder) => examples(folder).length === 0)).toEqual([]);
});

const withExamples = folders.filter((folder) => examples(folder).length > 0);

it.each(withExamples)("the examples in the README of %s run, and print nothing to stderr", async (folder) => {
  expect(await failuresOf(folder, examples(folder))).toEqual([]);
});

it("the examples in the guide to embedding, one of them a worker of one's own, run and print nothing to stderr", async () => {
  const found = examplesIn("docs/embedding.md");
  expect(found.filter((code) => code.includes("run({\n  adapters: ["))).toHaveLength(1);
  expect(await failuresOf("apps/cli", found)).toEqual([]);
});

async function failuresOf(folder: string, programs: readonly string[]) {
  const results = await Promise.all(programs.map((code, index) => runExample(folder, code, index)));
  return results.filter((result) => result.code !== 0 || result.stderr !== "");
}

/** Runs an example as a file of its own package, so that it finds the package and what that depends on by name. */
async function runExample(folder: string, code: string, index: number) {
  const file = join(root, folder, `.readme-example-${index}-${process.pid}.ts`);
  // An example need not show how to clean up after itself.
  const directory = mkdtempSync(join(tmpdir(), "readme-example-"));
  writeFileSync(file, code);
  try {
    const child = spawn(process.execPath, ["--conditions=@agentcore/source", file], {
      env: { ...process.env, TMPDIR: directory, XDG_STATE_HOME: directory },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const stderr: string[] = [];
    child.stdout.resume();
    child.stderr.setEncoding("utf8").on("data", (text: string) => stderr.push(text));
    const [exitCode] = (await once(child, "close")) as [number | null];
    return { index, code: exitCode, stderr: stderr.join("") };
  } finally {
    rmSync(file, { force: true });
    rmSync(directory, { recursive: true, force: true });
  }
}
