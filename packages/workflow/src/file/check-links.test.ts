import fs, { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

let workspace: string;
beforeEach(() => {
  workspace = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-links-")));
  mkdirSync(join(workspace, "real/deep"), { recursive: true });
  symlinkSync(tmpdir(), join(workspace, "out"));
  symlinkSync("real", join(workspace, "in"));
  symlinkSync("../..", join(workspace, "real/up"));
});
afterEach(() => rmSync(workspace, { recursive: true }));

async function problemsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const readFile = async (path: string) => files[path] ?? null;
  const result = await parseWorkflow({ file: "/w/main.yaml", readFile, workspace });
  return result.ok ? [] : result.problems.map(formatProblem);
}

const head = 'name: w\nversion: "1"\ntimeout: 5m\n';
const work = "worker: shell, instructions: x, capabilities: [read]";

it("paths that leave the workspace by a symbolic link are mistakes with their place, before anything runs", async () => {
  const check = `{ ${work}, decision_file: out/decision }`;
  const main = `${head}context_dir: out/context
steps:
  a: { ${work}, workspace: out }
  b: { ${work}, workspace: real, outputs: [{ name: o, path: up/x }] }
  c: { ${work}, completion_check: ${check} }
`;
  const leaves = (path: string) => `"${path}" leaves the workspace ${workspace} by a symbolic link`;
  expect(await problemsOf({ "/w/main.yaml": main })).toEqual([
    `/w/main.yaml:4:14: context_dir: ${leaves("out/context")}`,
    `/w/main.yaml:6:73: steps.a.workspace: ${leaves("out")}`,
    `/w/main.yaml:7:106: steps.b.outputs[0].path: ${leaves("up/x")}`,
    `/w/main.yaml:8:151: steps.c.completion_check.decision_file: ${leaves("out/decision")}`,
  ]);
});

it("links that stay inside, and paths that are not there yet, are none", async () => {
  const main = `${head}steps:
  a: { ${work}, workspace: in, outputs: [{ name: o, path: deep/gone/x }] }
  b: { ${work}, outputs: [{ name: o, path: "\${{ matrix.at }}/x" }], matrix: { at: [in] } }
`;
  expect(await problemsOf({ "/w/main.yaml": main })).toEqual([]);
});

it("a sub-workflow is held to the workspace of its step", async () => {
  const files = {
    "/w/main.yaml": `${head}steps:\n  a: { workflow: ./child.yaml, workspace: real }\n`,
    "/w/child.yaml": `${head}steps:\n  b: { ${work}, workspace: up }\n`,
  };
  expect(await problemsOf(files)).toEqual([
    `/w/child.yaml:5:73: steps.b.workspace: "up" leaves the workspace ${join(workspace, "real")} by a symbolic link`,
  ]);
});

it("a place that many steps name is looked at once", async () => {
  const looks = vi.spyOn(fs.promises, "realpath");
  const single = vi.spyOn(fs, "lstatSync");
  syncBuiltinESMExports();
  try {
    const step = (index: number) => `  s${index}: { ${work}, outputs: [{ name: o, path: real/deep/x }] }`;
    const main = `${head}steps:\n${Array.from({ length: 100 }, (_, index) => step(index)).join("\n")}\n`;
    expect(await problemsOf({ "/w/main.yaml": main })).toEqual([]);
    const below = single.mock.calls
      .map(([path]) => String(path))
      .filter((path) => path.startsWith(workspace));
    expect(looks.mock.calls.length + below.length).toBeLessThan(6);
  } finally {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  }
});
