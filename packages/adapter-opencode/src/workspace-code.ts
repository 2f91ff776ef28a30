/**
 * Code in the workspace that OpenCode would run by itself. It imports what lies in `.opencode/plugin` and what an
 * `opencode.json` there names, also when told to ignore the project's configuration and external plugins (seen with
 * 1.18.33). That is running commands, so a run without that capability must not start in such a workspace.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** Larger configuration files are taken to name plugins rather than read. */
const configBytesMax = 1024 * 1024;

/** The first file that would be run, or would name one to be; null where there is none. Looks up to the repository's root. */
export function workspaceCode(workspace: string): string | null {
  const isRepositoryRoot = (directory: string): boolean => existsSync(join(directory, ".git"));
  for (const directory of directoriesUp(workspace, isRepositoryRoot)) {
    for (const config of [directory, join(directory, ".opencode")]) {
      const found = pluginIn(config, directory !== config) ?? pluginNamedIn(config);
      if (found !== null) return found;
    }
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

function pluginIn(directory: string, isConfigDirectory: boolean): string | null {
  if (!isConfigDirectory) return null;
  for (const name of ["plugin", "plugins"]) {
    const path = join(directory, name);
    if (!existsSync(path) || !statSync(path).isDirectory()) continue;
    const file = readdirSync(path).find((each) => /\.[jt]s$/.test(each));
    if (file !== undefined) return join(path, file);
  }
  return null;
}

function pluginNamedIn(directory: string): string | null {
  for (const name of ["opencode.json", "opencode.jsonc"]) {
    const path = join(directory, name);
    if (!existsSync(path)) continue;
    if (statSync(path).size > configBytesMax || /"plugins?"\s*:/.test(readFileSync(path, "utf8")))
      return path;
  }
  return null;
}
