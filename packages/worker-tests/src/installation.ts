/**
 * The decision part of installing the worker CLIs: where they go, what is pinned, whether an installation is current.
 * They are installed in a cache folder of their own because they weigh over a gigabyte, which no `npm test` should pay.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";

/** The CLIs that the worker tests drive, by the name of their program. */
export const cliNames = ["claude", "codex", "opencode"] as const;
export type CliName = (typeof cliNames)[number];

const packageNames: Readonly<Record<CliName, string>> = {
  claude: "@anthropic-ai/claude-code",
  codex: "@openai/codex",
  opencode: "opencode-ai",
};

/** Text of the two files that pin the CLIs: `clis/package.json` and `clis/package-lock.json`. */
export interface Pins {
  readonly manifest: string;
  /** Undefined where only the CLIs' own versions are pinned, as for the newest ones. */
  readonly lockfile: string | undefined;
}

/** Where things are below the cache folder. */
export interface InstallationPaths {
  readonly folder: string;
  /** Holds the fingerprint of the pins that were installed; written last, so its presence means complete. */
  readonly marker: string;
  /** What npm printed. */
  readonly log: string;
  readonly programs: Readonly<Record<CliName, string>>;
}

export function installationPaths(folder: string): InstallationPaths {
  const program = (name: CliName): string => join(folder, "node_modules", ".bin", name);
  return {
    folder,
    marker: join(folder, "installed.txt"),
    log: join(folder, "npm.log"),
    programs: { claude: program("claude"), codex: program("codex"), opencode: program("opencode") },
  };
}

/** Changes whenever a pin does, and with the Node version, because npm chooses packages by it. */
export function fingerprint(pins: Pins, nodeVersion: string): string {
  const hash = createHash("sha256");
  for (const part of [pins.manifest, pins.lockfile ?? "", nodeVersion]) hash.update(part).update("\0");
  return hash.digest("hex");
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

/** The npm packages that a manifest pins. */
export const pinnedPackages = (manifest: string): readonly string[] =>
  Object.keys((JSON.parse(manifest) as Manifest).dependencies);

/** The manifest with other versions of the packages that it pins. */
export function manifestWithVersions(manifest: string, versions: ReadonlyMap<string, string>): string {
  const dependencies = Object.fromEntries(versions);
  return `${JSON.stringify({ ...(JSON.parse(manifest) as Manifest), dependencies }, null, 2)}\n`;
}

/** The pinned version of each CLI. */
export function pinnedVersions(manifest: string): Readonly<Record<CliName, string>> {
  const { dependencies } = JSON.parse(manifest) as Manifest;
  const version = (name: CliName): string => {
    const found = dependencies[packageNames[name]];
    if (found === undefined) throw new Error(`clis/package.json does not pin ${packageNames[name]}`);
    return found;
  };
  return { claude: version("claude"), codex: version("codex"), opencode: version("opencode") };
}

/** Whether what a CLI printed for `--version` names exactly this version. */
export function printsVersion(output: string, version: string): boolean {
  return output.split(/[^0-9A-Za-z.+-]+/).includes(version);
}
