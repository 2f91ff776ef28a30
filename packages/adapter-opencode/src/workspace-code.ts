/**
 * Finds code in the workspace that OpenCode would run. It imports plugins and tools below `.opencode`, and those that an
 * `opencode.json` there names, even if told to ignore the project's configuration and external plugins (seen with 1.18.33).
 * That amounts to running commands, so a run without that capability must not start in such a workspace. The directories
 * and names that OpenCode checks change between versions, so any code below `.opencode` counts.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseJsonc } from "./jsonc.ts";

/** Larger configuration files are assumed to name code and are not read. */
const configBytesMax = 1024 * 1024;

/** The first file that would be run or that names code; null if there is none. Searches up to the repository's root. */
export function workspaceCode(workspace: string): string | null {
  const isRepositoryRoot = (directory: string): boolean => existsSync(join(directory, ".git"));
  for (const directory of directoriesUp(workspace, isRepositoryRoot)) {
    const own = join(directory, ".opencode");
    const found = codeNamedIn(directory) ?? codeNamedIn(own) ?? codeBelow(own);
    if (found !== null) return found;
  }
  return null;
}

/** From the workspace up to the root of its repository, or the workspace alone outside a repository. */
export function directoriesUp(workspace: string, isRepositoryRoot: (directory: string) => boolean): string[] {
  const directories: string[] = [];
  for (let directory = workspace; ; directory = dirname(directory)) {
    directories.push(directory);
    if (isRepositoryRoot(directory)) return directories;
    if (dirname(directory) === directory) return [workspace];
  }
}

const codeName = /\.(?:[cm]?[jt]sx?|wasm|node)$/i;

/** A directory with more entries is assumed to contain code and is not searched. */
const entriesMax = 10_000;

/**
 * A link counts, because it can lead to code under any name. Packages in the directory do not count: only plugins and tools
 * import them.
 */
function codeBelow(directory: string, left = { entries: entriesMax }): string | null {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return null;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    left.entries -= 1;
    if (left.entries < 0) return directory;
    const path = join(directory, entry.name);
    if (entry.isSymbolicLink()) return path;
    if (entry.isDirectory()) {
      const found = entry.name === "node_modules" ? null : codeBelow(path, left);
      if (found !== null) return found;
    } else if (codeName.test(entry.name)) return path;
  }
  return null;
}

function codeNamedIn(directory: string): string | null {
  for (const name of ["opencode.json", "opencode.jsonc"]) {
    const path = join(directory, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (!stats.isFile() || stats.size > configBytesMax || namesCode(readFileSync(path, "utf8"))) return path;
  }
  return null;
}

/** A text that is unreadable here may be readable for OpenCode, so it counts. */
function namesCode(text: string): boolean {
  const value = parseJsonc(text.trim() === "" ? "{}" : text);
  return value === undefined || hasKey(value, 0);
}

/** At any depth. Servers and formatters in the file are not started: OpenCode really ignores that part. */
const codeKeys: ReadonlySet<string> = new Set(["plugin", "plugins"]);
const depthMax = 100;

function hasKey(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth > depthMax) return true;
  return Object.entries(value).some(([name, inner]) => codeKeys.has(name) || hasKey(inner, depth + 1));
}
