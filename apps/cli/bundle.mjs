// Bundles the command line into dist/bundle, straight from the sources of all packages. The libraries stay what `tsc -b`
// makes of them; only this program is bundled, because loading its 200 modules one by one takes longer than a short run
// (docs/adr/0003-bundle-the-command-line.md has the figures). `pnpm pack` runs this; so does `npm start` in a checkout.
//
// Three programs come out. `main.js` is split, so that a command loads what it needs. `run.cjs` is `agentcore run` in one
// file, and `workflow-run.cjs` is `agentcore workflow run`: resolving two dozen files costs more there than reading one.
// They are scripts, not modules, so that the code of their functions can be kept (bin/cached-script.js). What they load only
// now and then they take from the first.
import { deepStrictEqual } from "node:assert";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** @typedef {import("esbuild").Plugin} Plugin */

const here = dirname(fileURLToPath(import.meta.url));
const outdir = resolve(process.argv[2] ?? join(here, "dist/bundle"));

/** The programs in one file, and what each always needs: these imports are made at its start instead of when they are reached. */
const scripts = {
  run: ["./command-line/program.ts", "../commands/run.ts", "@agentcore/adapter-shell"],
  "workflow-run": [
    "./command-line/program.ts",
    "../commands/workflow-run.ts",
    "./value-parser.ts",
    "@agentcore/adapter-shell",
  ],
};

/**
 * Reads our sources. `import { z }` keeps every locale of zod; `import * as z` means the same and lets the bundler drop what
 * is not used.
 * @param {readonly string[]} hoisted
 * @returns {Plugin}
 */
const sources = (hoisted) => ({
  name: "sources",
  setup(bundler) {
    bundler.onLoad({ filter: /\/(packages|apps)\/.*\.ts$/ }, async ({ path }) => {
      const text = (await readFile(path, "utf8")).replaceAll(
        'import { z } from "zod"',
        'import * as z from "zod"',
      );
      return { contents: hoist(text, hoisted), loader: "ts" };
    });
  },
});

/** Turns `await import("x")` into a static import, for the modules named. */
function hoist(/** @type {string} */ text, /** @type {readonly string[]} */ modules) {
  return modules.reduce((source, path, index) => {
    const dynamic = `await import("${path}")`;
    if (!source.includes(dynamic)) return source;
    return `import * as hoisted${index} from "${path}";\n${source.replaceAll(dynamic, `hoisted${index}`)}`;
  }, text);
}

/**
 * Evaluates a module that answers with the same data every time, and puts the answer in its place.
 * @type {Plugin}
 */
const evaluated = {
  name: "evaluated",
  setup(bundler) {
    bundler.onLoad({ filter: /\/config\/default-config\.ts$/ }, async ({ path }) => {
      const { outputFiles } = await build({
        ...common,
        entryPoints: [path],
        write: false,
        banner: { js: requireBuiltin },
      });
      const code = Buffer.from(outputFiles?.[0]?.contents ?? "").toString("base64");
      const { defaultConfig } = await import(`data:text/javascript;base64,${code}`);
      const config = defaultConfig();
      const text = JSON.stringify(config);
      deepStrictEqual(JSON.parse(text), config);
      return { contents: `export const defaultConfig = () => JSON.parse(${JSON.stringify(text)});` };
    });
  },
};

/**
 * `import … from "node:crypto"` makes Node read every property of the module, which loads parts of it that nobody asked for;
 * for `node:process` it opens the standard streams. Taking the same objects from `process.getBuiltinModule` does not.
 * @type {Plugin}
 */
const directBuiltins = {
  name: "direct-builtins",
  setup(bundler) {
    bundler.onResolve({ filter: /^(?:node:)?[a-z_/]+$/ }, ({ path, kind }) => {
      if (kind !== "import-statement" || !isBuiltin(path)) return undefined;
      return { path: path.replace(/^(?:node:)?/, "node:"), namespace: "builtin", sideEffects: false };
    });
    bundler.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path)).filter((name) => name !== "default");
      if (path === "node:crypto") return { contents: names.map(loadedByCall).join("\n") };
      const lines = [
        `const m = /* @__PURE__ */ process.getBuiltinModule("${path}");`,
        "export default m;",
        ...names.map((name) => `export const ${name} = /* @__PURE__ */ (() => m.${name})();`),
      ];
      return { contents: lines.join("\n") };
    });
  },
};

/** `node:crypto` takes 5 ms to load, and most short commands call none of it. Its classes cannot be imported so. */
function loadedByCall(/** @type {string} */ name) {
  return `export const ${name} = (...args) => process.getBuiltinModule("node:crypto").${name}(...args);`;
}

/**
 * Leaves dynamic imports to the other program, and notes which files they are.
 * @param {Map<string, string>} entries
 * @returns {Plugin}
 */
const fromTheOther = (entries) => ({
  name: "from-the-other",
  setup(bundler) {
    bundler.onResolve({ filter: /.*/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind !== "dynamic-import" || pluginData === "resolving") return undefined;
      const found = await bundler.resolve(path, { kind, resolveDir, pluginData: "resolving" });
      const name = `lazy-${basename(path).replace(/\.ts$/, "")}`;
      entries.set(name, found.path);
      return { path: `./${name}.js`, external: true };
    });
  },
});

/** @type {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: here,
  outdir,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node22.13",
  conditions: ["@agentcore/source"],
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  logLevel: "warning",
};
// CommonJS dependencies call `require` for Node's own modules, and for nothing else once they are bundled.
const requireBuiltin = "const require = (id) => process.getBuiltinModule(id);";

rmSync(outdir, { recursive: true, force: true });

/** @type {Map<string, string>} */
const lazy = new Map();
const metafiles = [];
for (const [name, needed] of Object.entries(scripts)) {
  const { outputFiles, metafile } = await build({
    ...common,
    entryPoints: { [name]: "src/main.ts" },
    plugins: [fromTheOther(lazy), evaluated, sources(needed), directBuiltins],
    write: false,
    define: { "import.meta.url": "bundleUrl" },
    // As src/main.ts does: here every schema is made before its first line.
    banner: { js: `${requireBuiltin} globalThis.__zod_globalConfig = { jitless: true };` },
  });
  const text = `(async (bundleUrl) => {${outputFiles?.[0]?.text}\n})`;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 32);
  mkdirSync(outdir, { recursive: true });
  writeFileSync(join(outdir, `${name}.cjs`), `/* ${hash} */${text}`);
  metafiles.push(metafile);
}
const main = await build({
  ...common,
  entryPoints: { main: "src/main.ts", ...Object.fromEntries(lazy) },
  splitting: true,
  plugins: [evaluated, sources([]), directBuiltins],
  banner: { js: requireBuiltin },
});
const inputs = [...metafiles, main.metafile].flatMap((metafile) => Object.keys(metafile?.inputs ?? {}));
writeFileSync(join(outdir, "LICENSES.txt"), licences(inputs));

/** The licence texts of everything that is in the bundle. */
function licences(/** @type {string[]} */ paths) {
  const folders = new Set(
    paths.flatMap((path) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(join(here, path))?.[1] ?? []),
  );
  return [...folders]
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? `License: ${license}\n` : readFileSync(join(folder, file), "utf8");
      return `${name} ${version}\n\n${text}`;
    })
    .toSorted()
    .join(`\n${"-".repeat(80)}\n\n`);
}
