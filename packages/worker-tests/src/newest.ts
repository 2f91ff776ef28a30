/** Pins for the versions that the registry calls `latest` today, made beside the committed pins and never committed. */
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { InstallationError } from "./install.ts";
import { manifestWithVersions, pinnedPackages } from "./installation.ts";

const viewTimeoutMs = 60_000;

export interface NewestOptions {
  /** The folder with the committed `package.json`. */
  readonly pinsFolder: string;
  /** Where the new `package.json` is written. */
  readonly newestPinsFolder: string;
  /** The environment npm runs in. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** Asks npm for the newest version of each CLI. Throws {@link InstallationError} where npm does not answer. */
export async function pinNewest(options: NewestOptions): Promise<void> {
  const manifest = await readFile(join(options.pinsFolder, "package.json"), "utf8");
  const versions = new Map<string, string>();
  for (const name of pinnedPackages(manifest)) versions.set(name, await newestVersion(name, options.env));
  await mkdir(options.newestPinsFolder, { recursive: true });
  await writeFile(join(options.newestPinsFolder, "package.json"), manifestWithVersions(manifest, versions));
  // A lockfile of an earlier day would hold npm to that day's versions.
  await rm(join(options.newestPinsFolder, "package-lock.json"), { force: true });
}

async function newestVersion(name: string, env: Readonly<NodeJS.ProcessEnv>): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("npm", ["view", name, "version"], {
      env: { ...env },
      timeout: viewTimeoutMs,
    });
    return stdout.trim();
  } catch (error) {
    throw new InstallationError(
      `npm could not say the newest version of ${name}; check that npm reaches its registry. ${(error as Error).message.trim()}`,
    );
  }
}
