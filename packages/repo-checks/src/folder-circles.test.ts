/**
 * Folders of a package import each other one way only, so that each can be read and moved without the others. What a package's
 * folders share lies at the top of its `src`; those files are not part of a circle, and neither are tests and their helpers.
 */
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageFolders, read, trackedFiles } from "./repository.ts";

/** Each folder with the folders that it imports from, and by which file. */
type Imports = ReadonlyMap<string, ReadonlyMap<string, string>>;

const specifier = /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g;

function importsBetweenFolders(
  src: string,
  files: readonly string[],
  textOf: (file: string) => string,
): Imports {
  const imports = new Map<string, Map<string, string>>();
  for (const file of files) {
    const from = dirname(file);
    for (const [, path = ""] of textOf(file).matchAll(specifier)) {
      const to = dirname(join(from, path));
      const isBetween = from !== to && from !== src && to !== src;
      if (!isBetween || to.endsWith("/testing")) continue;
      const known = imports.get(from) ?? new Map<string, string>();
      imports.set(from, known.set(to, known.get(to) ?? file));
    }
  }
  return imports;
}

/** The first circle that a walk finds, as its folders in order, or undefined. */
function circleIn(imports: Imports): readonly string[] | undefined {
  const done = new Set<string>();
  const walk = (folder: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(folder)) return [...path.slice(path.indexOf(folder)), folder];
    if (done.has(folder)) return undefined;
    for (const next of imports.get(folder)?.keys() ?? []) {
      const found = walk(next, [...path, folder]);
      if (found !== undefined) return found;
    }
    done.add(folder);
    return undefined;
  };
  for (const folder of imports.keys()) {
    const found = walk(folder, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

const sources = trackedFiles().filter(
  (path) => /\.tsx?$/.test(path) && !path.endsWith(".test.ts") && !path.includes("/testing/"),
);

describe("folders import each other one way", () => {
  it.each(packageFolders())("in %s", (folder) => {
    const src = `${folder}/src`;
    const imports = importsBetweenFolders(
      src,
      sources.filter((path) => path.startsWith(`${src}/`)),
      read,
    );
    const circle = circleIn(imports);
    const steps = circle?.slice(1).map((to, index) => `${to} from ${imports.get(circle[index]!)!.get(to)}`);
    expect(steps).toBeUndefined();
  });

  it("or the circle is found", () => {
    const texts: Readonly<Record<string, string>> = {
      "p/src/a/one.ts": 'import { two } from "../b/two.ts";',
      "p/src/b/two.ts": 'const three = await import("../c/three.ts");',
      "p/src/c/three.ts": 'export * from "../a/one.ts";',
    };
    const imports = importsBetweenFolders("p/src", Object.keys(texts), (file) => texts[file]!);
    expect(circleIn(imports)).toEqual(["p/src/a", "p/src/b", "p/src/c", "p/src/a"]);
  });
});
