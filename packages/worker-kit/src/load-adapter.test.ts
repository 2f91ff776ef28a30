import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { adapterProblems } from "./adapter-shape.ts";
import { loadAdapter } from "./load-adapter.ts";
import { makeTemporaryDirectory } from "./testing/temporary-directories.ts";
import { scriptedAdapter } from "./testing/scripted-adapter.ts";

const adapterSource = `export default {
  contractVersion: 1, name: "mine", title: "Mine", provider: null, capabilities: ["read"],
  program: { command: "mine", versionArgs: [], install: "npm i mine", credentialEnv: [], loginPaths: [] },
  plan: () => ({}), createReader: () => ({}),
};`;

/** A directory with the files given. */
function directoryWith(files: Readonly<Record<string, string | undefined>>): string {
  const root = makeTemporaryDirectory("adapters");
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content ?? "");
  }
  return root;
}

const manifest = (entry: object): string =>
  JSON.stringify({ name: "x", version: "1.0.0", type: "module", ...entry });

describe("an adapter from outside", () => {
  it.each([
    ["a path", "./adapter.mjs", { "adapter.mjs": adapterSource }],
    [
      "a package with a main file",
      "mine",
      {
        "node_modules/mine/package.json": manifest({ main: "a.js" }),
        "node_modules/mine/a.js": adapterSource,
      },
    ],
    [
      "a scoped package with exports",
      "@me/mine",
      {
        "node_modules/@me/mine/package.json": manifest({ exports: { ".": { default: "./a.js" } } }),
        "node_modules/@me/mine/a.js": adapterSource,
      },
    ],
    [
      "a package for import only",
      "mine",
      {
        "node_modules/mine/package.json": manifest({
          exports: { ".": { types: "./a.d.ts", import: "./a.js" } },
        }),
        "node_modules/mine/a.js": adapterSource,
      },
    ],
    [
      "a package whose exports are one file",
      "mine",
      {
        "node_modules/mine/package.json": manifest({ exports: { import: "./a.js" } }),
        "node_modules/mine/a.js": adapterSource,
      },
    ],
  ])("is loaded from %s", async (_what, name, files) => {
    const root = directoryWith(files);
    mkdirSync(join(root, "below"));
    expect((await loadAdapter(name, root)).name).toBe("mine");
    if (!name.startsWith(".")) expect((await loadAdapter(name, join(root, "below"))).name).toBe("mine");
  });

  it.each([
    ["is not there", "./none.mjs", "was not found: there is no ", "AC_ADAPTER_MISSING"],
    [
      "is not installed",
      "not-installed",
      "install it there with: npm install not-installed",
      "AC_ADAPTER_MISSING",
    ],
    ["does not parse", "./broken.mjs", "cannot be imported: "],
    ["throws", "./throws.mjs", "cannot be imported: at import"],
    ["has no default export", "./named.mjs", "is no adapter: it has no default export"],
    ["exports something else", "./other.mjs", "is no adapter: "],
  ])("that %s is refused", async (_what, name, message, code = "AC_ADAPTER_INVALID") => {
    const root = directoryWith({
      "broken.mjs": "export default {",
      "throws.mjs": 'throw new Error("at import");',
      "named.mjs": "export const adapter = {};",
      "other.mjs": "export default 42;",
    });
    await expect(loadAdapter(name, root)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });
});

describe("the shape of an adapter", () => {
  it("is that of ours, with whatever it has besides", () => {
    expect(adapterProblems({ ...scriptedAdapter, extra: 1 })).toEqual([]);
  });

  it.each([
    [{ contractVersion: 2 }, "contractVersion: must be 1"],
    [{ name: "My Agent" }, "name: must be lower case"],
    [{ provider: undefined }, "provider: "],
    [{ capabilities: ["fly"] }, "capabilities.0: "],
    [{ program: { ...scriptedAdapter.program, install: "" } }, "program.install: must say how to install"],
    [{ program: { ...scriptedAdapter.program, minVersion: "new" } }, "program.minVersion: must be a version"],
    [{ plan: {} }, "plan: must be a function"],
    [{ createReader: undefined }, "createReader: must be a function"],
  ])("is not that of one with %j", (members, problem) => {
    const problems = adapterProblems({ ...scriptedAdapter, ...members });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});
