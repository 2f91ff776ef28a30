// Packs every published package of the workspace into a folder, with `pnpm pack`: it alone replaces the workspace and
// catalog versions in the manifests. The packages are copied and built elsewhere, so that the other commands of the
// checkout, which may be reading its dist folders, go on working. The tarballs appear in the folder once all are complete.
import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execaSync } from "execa";
import { root, toolEnv } from "./process.mjs";

const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Files beside the packages that building and packing read. */
const sharedFiles = [
  "package.json",
  "pnpm-workspace.yaml",
  "pnpm-lock.yaml",
  "tsconfig.base.json",
  "LICENSE",
];

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
 * @param {string} destination Created if missing. Tarballs of the same names are replaced; other files stay.
 * @returns {{ name: string, tarball: string }[]}
 */
export function pack(destination) {
  mkdirSync(destination, { recursive: true });
  // Beside the tarballs, so that each takes its place by a rename.
  const unfinished = mkdtempSync(join(destination, ".packing-"));
  const copy = mkdtempSync(join(tmpdir(), "agentcore-build-"));
  try {
    const packages = publishedPackages();
    copyPackages(packages, copy);
    const folders = packages.map(({ directory }) => join(copy, relative(root, directory)));
    exec("tsc", ["-b", ...folders], copy);
    buildPage(join(copy, "apps/cli/dist/page"));
    const filters = packages.map(({ manifest }) => `--filter=${manifest.name}`);
    exec("npx", ["--yes", packageManager, ...filters, "pack", "--pack-destination", unfinished], copy);
    return packages.map(({ manifest: { name, version } }) => {
      const file = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
      const tarball = join(destination, file);
      renameSync(join(unfinished, file), tarball);
      return { name, tarball };
    });
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Copies the sources without the tests. The dependencies stay where they are: links lead to them. */
function copyPackages(packages, copy) {
  for (const file of sharedFiles) copyFileSync(join(root, file), join(copy, file));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const { directory } of packages) {
    const target = join(copy, relative(root, directory));
    const left = ["dist", "node_modules", ".turbo"].map((name) => join(directory, name));
    cpSync(directory, target, {
      recursive: true,
      filter: (path) => !left.includes(path) && !path.endsWith(".test.ts"),
    });
    copyLinks(join(directory, "node_modules"), join(target, "node_modules"));
  }
}

/** Links to packages of the workspace lead into the copy, because they are relative. */
function copyLinks(from, to) {
  if (!existsSync(from)) return;
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const path = join(from, name);
    if (lstatSync(path).isSymbolicLink()) symlinkSync(readlinkSync(path), join(to, name));
    else if (name.startsWith("@")) copyLinks(path, join(to, name));
  }
}

/** Systems whose files are not on a disk. Writing a folder there fails in odd ways, or does not end. */
const virtualFolders = ["/proc", "/sys"];

/** Why the folder cannot take the tarballs; null: it can. Looked at first, because building takes a minute. */
function problemOf(destination) {
  const within = virtualFolders.find((folder) => !relative(folder, destination).startsWith(".."));
  if (within !== undefined) return `${within} is no place for files; name a folder on a disk`;
  try {
    mkdirSync(destination, { recursive: true });
    rmSync(mkdtempSync(join(destination, ".packing-")), { recursive: true });
    return null;
  } catch (error) {
    return error.message;
  }
}

/** Builds the page of the daemon into a folder; nothing else is written. */
export function buildPage(folder) {
  const dashboard = join(root, "apps/dashboard");
  exec(join(dashboard, "node_modules/.bin/vite"), ["build", "--outDir", folder, "--emptyOutDir"], dashboard);
}

function exec(command, args, cwd) {
  execaSync(command, args, { cwd, env: toolEnv() });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    console.error("usage: npm run pack -- DIR");
    process.exit(2);
  }
  const destination = resolve(process.env.INIT_CWD ?? process.cwd(), folder);
  const problem = problemOf(destination);
  if (problem !== null) {
    console.error(`cannot pack into ${destination}: ${problem}`);
    process.exit(2);
  }
  try {
    const tarballs = pack(destination);
    for (const { tarball } of tarballs) console.log(basename(tarball));
    console.log(`\n${tarballs.length} packages. In your project: npm install ${join(destination, "*.tgz")}`);
  } catch (error) {
    console.error(`nothing was packed: ${error.stderr || error.stdout || error.message}`);
    process.exitCode = 1;
  }
}
