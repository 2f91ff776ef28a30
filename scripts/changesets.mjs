// Until its first release every published package must be named by a changeset, so that none is forgotten in the release
// notes: reads `.changeset/*.md` and says which packages are missing there.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { publishedPackages } from "./pack.mjs";
import { root } from "./process.mjs";

const folder = join(root, ".changeset");
const texts = readdirSync(folder)
  .filter((file) => file.endsWith(".md") && file !== "README.md")
  .map((file) => readFileSync(join(folder, file), "utf8"));
const named = new Set(
  texts.flatMap((text) =>
    [...text.matchAll(/^"?([@a-z][^":\n]*)"?: (?:major|minor|patch)$/gm)].map((match) => match[1]),
  ),
);

const unreleased = publishedPackages().filter(
  ({ directory }) => !existsSync(join(directory, "CHANGELOG.md")),
);
const missing = unreleased.map(({ manifest }) => manifest.name).filter((name) => !named.has(name));
for (const name of missing)
  console.error(`${name} has no changeset; add one with \`npm run pnpm -- changeset\``);
process.exitCode = missing.length === 0 ? 0 : 1;
