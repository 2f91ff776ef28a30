// Packs every published package of the workspace into a folder, with `pnpm pack`: it alone replaces the workspace and
// catalog versions in the manifests. The packages must have been built.
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";
import { execaSync } from "execa";
import { root, toolEnv } from "./process.mjs";

const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Folders and manifests of the packages that are published. */
export function publishedPackages() {
  return ["packages", "apps"]
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name)))
    .filter((directory) => existsSync(join(directory, "package.json")))
    .map((directory) => ({
      directory,
      manifest: JSON.parse(readFileSync(join(directory, "package.json"), "utf8")),
    }))
    .filter(({ manifest }) => manifest.private !== true);
}

/**
 * @param {string} destination
 * @returns {{ name: string, tarball: string }[]}
 */
export function pack(destination) {
  const filters = publishedPackages().map(({ manifest }) => `--filter=${manifest.name}`);
  const args = ["--yes", packageManager, ...filters, "pack", "--pack-destination", destination];
  execaSync("npx", args, { cwd: root, env: toolEnv() });
  return publishedPackages().map(({ manifest }) => ({
    name: manifest.name,
    tarball: join(destination, `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`),
  }));
}
