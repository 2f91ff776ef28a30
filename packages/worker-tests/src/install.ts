/**
 * Installs the pinned worker CLIs with npm, once. Does nothing when the marker in the cache folder has the fingerprint
 * of the committed pins. Anything that goes wrong is one error that says where npm's output is and what to do.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import {
  cliNames,
  fingerprint,
  installationPaths,
  pinnedVersions,
  printsVersion,
  type InstallationPaths,
  type Pins,
} from "./installation.ts";

const installTimeoutMs = 20 * 60_000;
const versionTimeoutMs = 60_000;

export class InstallationError extends Error {
  override name = "InstallationError";
}

export interface InstallOptions {
  /** The folder with the `package.json` that pins the CLIs, and a `package-lock.json` if there is one. */
  readonly pinsFolder: string;
  /** Where the CLIs go. */
  readonly cacheFolder: string;
  readonly report: (line: string) => void;
  /** The environment npm runs in: PATH to find it, and the caller's npm settings. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** Makes the pinned CLIs available and says where their programs are. */
export async function installClis(options: InstallOptions): Promise<InstallationPaths> {
  const pins = await readPins(options.pinsFolder);
  const paths = installationPaths(options.cacheFolder);
  const wanted = fingerprint(pins, process.version);
  if ((await readIfThere(paths.marker)) === wanted) return paths;

  const versions = pinnedVersions(pins.manifest);
  const list = cliNames.map((name) => `${name} ${versions[name]}`).join(", ");
  options.report(`installing ${list} in ${paths.folder} (over 1 GB, once) …`);
  await mkdir(paths.folder, { recursive: true });
  await rm(paths.marker, { force: true });
  await writeFile(join(paths.folder, "package.json"), pins.manifest);
  const lockfile = join(paths.folder, "package-lock.json");
  if (pins.lockfile === undefined) await rm(lockfile, { force: true });
  else await writeFile(lockfile, pins.lockfile);
  await npmInstall(paths, options.env);
  await checkVersions(paths, versions);
  await writeFile(paths.marker, wanted);
  return paths;
}

async function readPins(folder: string): Promise<Pins> {
  return {
    manifest: await readFile(join(folder, "package.json"), "utf8"),
    lockfile: await readIfThere(join(folder, "package-lock.json")),
  };
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * `npm install`, not `npm ci`: a registry that mirrors only some platforms lacks optional packages of the others, which
 * `ci` takes for a lockfile out of step. What is installed is still held to the integrity in the lockfile.
 */
async function npmInstall(paths: InstallationPaths, env: Readonly<NodeJS.ProcessEnv>): Promise<void> {
  const args = [
    "install",
    "--no-audit",
    "--no-fund",
    "--omit-lockfile-registry-resolved=true",
    "--loglevel=warn",
  ];
  const {
    failed,
    shortMessage = "",
    all,
  } = await execa("npm", args, {
    cwd: paths.folder,
    env: npmEnvironment(env),
    extendEnv: false,
    stdin: "ignore",
    all: true,
    timeout: installTimeoutMs,
    reject: false,
  });
  await writeFile(paths.log, all);
  if (failed) throw await installationError(paths, shortMessage);
}

async function installationError(paths: InstallationPaths, why: string): Promise<InstallationError> {
  const tail = ((await readIfThere(paths.log)) ?? "").trimEnd().split("\n").slice(-15).join("\n");
  return new InstallationError(
    `The worker CLIs could not be installed: ${why}.\n${tail}\n` +
      `All of npm's output is in ${paths.log}. Check that npm reaches its registry and that about 3 GB of disk are ` +
      `free, remove ${paths.folder} if it is damaged, and run this again.`,
  );
}

/** The caller's environment with this process's Node first on PATH, for npm to judge `engines` by it. */
function npmEnvironment(caller: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const env = { ...caller, PATH: [dirname(process.execPath), caller["PATH"] ?? ""].join(delimiter) };
  // An outer `npm run` tells its scripts where its own project is; the npm inside must not install there.
  Reflect.deleteProperty(env, "npm_config_local_prefix");
  return env;
}

async function checkVersions(
  paths: InstallationPaths,
  versions: Readonly<Record<string, string>>,
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "agentcore-cli-version-"));
  try {
    for (const name of cliNames) {
      const printed = await printedVersion(paths.programs[name], home);
      if (printsVersion(printed, versions[name] ?? "")) continue;
      throw await installationError(
        paths,
        `${name} --version should print ${versions[name]} and printed "${printed}"`,
      );
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function printedVersion(program: string, home: string): Promise<string> {
  const path = [dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
  const { stdout, originalMessage } = await execa(program, ["--version"], {
    env: { PATH: path, HOME: home },
    extendEnv: false,
    stdin: "ignore",
    stderr: "ignore",
    timeout: versionTimeoutMs,
    reject: false,
  });
  return stdout || (originalMessage ?? "");
}
