// Bundles the command line into dist/bundle, straight from the sources of all packages. The libraries stay what `tsc -b`
// makes of them; only this program is bundled, because loading its 200 modules one by one takes longer than a short run
// (docs/adr/0003-bundle-the-command-line.md has the figures). `pnpm pack` runs this; so does `npm start` in a checkout.
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = resolve(process.argv[2] ?? join(here, "dist/bundle"));

/** `import { z }` keeps every locale of zod; `import * as z` lets the bundler drop what is not used. Same meaning. */
const slimZod = {
  name: "slim-zod",
  setup(/** @type {import("esbuild").PluginBuild} */ bundler) {
    bundler.onLoad({ filter: /\/(packages|apps)\/.*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replaceAll(
        'import { z } from "zod"',
        'import * as z from "zod"',
      ),
      loader: "ts",
    }));
  },
};

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.ts"],
  outdir,
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node22.13",
  conditions: ["@agentcore/source"],
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  metafile: true,
  logLevel: "warning",
  plugins: [slimZod],
  // CommonJS dependencies call `require` for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
});
writeFileSync(join(outdir, "LICENSES.txt"), licences(Object.keys(metafile.inputs)));

/** The licence texts of everything that is in the bundle. */
function licences(/** @type {string[]} */ inputs) {
  const folders = new Set(
    inputs.flatMap((path) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(join(here, path))?.[1] ?? []),
  );
  return [...folders]
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const text =
        file === undefined || !existsSync(join(folder, file))
          ? `License: ${license}\n`
          : readFileSync(join(folder, file), "utf8");
      return `${name} ${version}\n\n${text}`;
    })
    .toSorted()
    .join(`\n${"-".repeat(80)}\n\n`);
}
