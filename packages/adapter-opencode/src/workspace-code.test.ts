import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { directoriesUp, workspaceCode } from "./workspace-code.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "workspace-code-"));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(path: string, text = ""): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

it.each([
  [".opencode/plugin/a.ts", "", true],
  [".opencode/plugins/a.js", "", true],
  [".opencode/plugin/readme.md", "", false],
  ["plugin/a.ts", "", false],
  ["opencode.json", '{ "plugin": ["x"] }', true],
  ["opencode.jsonc", '{ "plugins" : [] }', true],
  [".opencode/opencode.json", '{ "plugin": ["./x.ts"] }', true],
  ["opencode.json", '{ "model": "x" }', false],
  [".opencode/plugin/x.mjs", "", true],
  [".opencode/plugin/a/b.cts", "", true],
  [".opencode/tool/x.ts", "", true],
  [".opencode/tools/x.js", "", true],
  [".opencode/x.tsx", "", true],
  [".opencode/node_modules/p/index.js", "", false],
  [".opencode/agent/reviewer.md", "", false],
  ["opencode.json", String.raw`{"pl\u0075gin":["./x.ts"]}`, true],
  ["opencode.json", '{"plugin"/* here */:["./x.ts"],}', true],
  ["opencode.jsonc", '// no "plugin": here\n{ "model": "a//b", }', false],
  ["opencode.jsonc", '{ "url": "http://x/*", /* a */ "mcp": { "m": { "command": ["x"] } } }', false],
  ["opencode.json", '{ "__proto__": { "plugin": ["./x.ts"] } }', true],
  ["opencode.json", '{ "formatter": false, "lsp": false }', false],
  ["opencode.json", '\uFEFF{ "model": "x" }', false],
  ["opencode.json", "", false],
  ["opencode.json", "plugin: [x]", true],
  [".opencode/plugin", "a file, no directory", false],
  ["src/index.ts", "", false],
])("%s holding %j counts: %s", (path, text, counts) => {
  write(path, text);
  expect(workspaceCode(root)).toBe(counts ? join(root, path) : null);
});

it("takes a link below .opencode for code, since it can lead to some", () => {
  write("src/plugin.txt");
  mkdirSync(join(root, ".opencode"));
  symlinkSync(join(root, "src"), join(root, ".opencode/plugin"));
  expect(workspaceCode(root)).toBe(join(root, ".opencode/plugin"));
});

it("takes a configuration that is too long to read for one that names plugins", () => {
  write("opencode.json", `{${" ".repeat(1024 * 1024)}}`);
  expect(workspaceCode(root)).toBe(join(root, "opencode.json"));
});

it("looks up to the root of the repository, and no further", () => {
  write("outer/.opencode/plugin/a.ts");
  write("outer/repository/.git/HEAD");
  write("outer/repository/packages/one/x.ts");
  const workspace = join(root, "outer/repository/packages/one");
  expect(workspaceCode(workspace)).toBeNull();
  write("outer/repository/.opencode/plugin/b.ts");
  expect(workspaceCode(workspace)).toBe(join(root, "outer/repository/.opencode/plugin/b.ts"));
});

it.each([
  ["/a/b", ["/a/b/c", "/a/b"]],
  ["/a/b/c", ["/a/b/c"]],
  ["/", ["/a/b/c", "/a/b", "/a", "/"]],
  // Outside a repository nothing above the workspace counts.
  [null, ["/a/b/c"]],
])("of /a/b/c in the repository %s it looks at %j", (repository, directories) => {
  expect(directoriesUp("/a/b/c", (directory) => directory === repository)).toEqual(directories);
});
