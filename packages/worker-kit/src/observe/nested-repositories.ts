/** Compares files of nested repositories and submodules by size and times, because git only records their commit. */
import { join } from "node:path";
import { changedFiles, takeSnapshot, type TreeSnapshot } from "./tree-snapshot.ts";

export interface NestedChange {
  /** Relative to the workspace. */
  readonly files: readonly string[];
  /** Why the comparison is incomplete. */
  readonly unseen: readonly string[];
}

export interface NestedRepositories {
  before(): Promise<void>;
  after(): Promise<NestedChange>;
}

/** `names`: relative to the workspace. `entriesMax`: maximum of files and directories of all of them together. */
export function nestedRepositories(
  workspace: string,
  names: readonly string[],
  entriesMax: number,
  unobserved: readonly string[],
): NestedRepositories {
  let looks: ReadonlyMap<string, TreeSnapshot> = new Map();
  const look = async (): Promise<ReadonlyMap<string, TreeSnapshot>> => {
    const taken = new Map<string, TreeSnapshot>();
    let left = entriesMax;
    for (const name of names) {
      const within = unobserved.filter((path) => path.startsWith(`${name}/`));
      const relative = within.map((path) => path.slice(name.length + 1));
      const snapshot = await takeSnapshot(join(workspace, name), left, relative);
      left = Math.max(0, left - snapshot.files.size);
      taken.set(name, snapshot);
    }
    return taken;
  };
  return {
    async before() {
      looks = await look();
    },
    async after() {
      const files: string[] = [];
      const unseen: string[] = [];
      for (const [name, after] of await look()) {
        const before = looks.get(name) ?? after;
        const reason = before.incomplete ?? after.incomplete;
        if (reason === null) files.push(...changedFiles(before, after).map((file) => `${name}/${file}`));
        else unseen.push(`the repository ${name} was not compared: ${reason}`);
      }
      return { files, unseen };
    },
  };
}
