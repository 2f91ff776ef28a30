/**
 * Habits that the linter does not know. Each rule names what is banned, why, and where it is allowed; the places are
 * few and argued, so that a new one is a decision.
 */
import { describe, expect, it } from "vitest";
import { manifestOf, packageFolders, read, trackedFiles } from "./repository.ts";

const sources = trackedFiles().filter((path) =>
  /^(packages|apps)\/[^/]+\/(src|bin)\/.*\.(tsx?|js)$/.test(path),
);
const production = sources.filter((path) => {
  const folder = path.split("/").slice(0, 2).join("/");
  return !path.endsWith(".test.ts") && !path.includes("/testing/") && manifestOf(folder).private !== true;
});

interface Rule {
  readonly name: string;
  readonly pattern: RegExp;
  readonly files: readonly string[];
  /** Files that may: a package's composition file, or what a comment there explains. */
  readonly allowed: (path: string) => boolean;
}

const composition = (path: string) =>
  path.startsWith("apps/") || /\/(system(-ports)?|compose|[a-z-]*main)\.ts$/.test(path);

const rules: readonly Rule[] = [
  {
    name: "the wall clock comes in as a Clock",
    pattern: /\bDate\.now\(|\bnew Date\(\)/,
    files: production,
    allowed: composition,
  },
  {
    name: "chance comes in as a Random",
    pattern: /\bMath\.random\(/,
    files: production,
    allowed: composition,
  },
  {
    name: "only a composition file ends the process",
    pattern: /\bprocess\.exit\(/,
    files: production,
    allowed: composition,
  },
  {
    name: "programs are started by the containment alone, and the runtime by its supervisor",
    pattern: /^(?!import type\b).*["']node:child_process["']/,
    files: production,
    allowed: (path) =>
      /^packages\/containment\/src\/(launch|probe|lease-guard)\.ts$/.test(path) ||
      path === "packages/scheduler/src/wire/runtime-process.ts",
  },
  {
    name: "the environment is read at the edge",
    pattern: /\bprocess\.env\b/,
    files: production,
    allowed: composition,
  },
  {
    name: "no static import of what an old Node lacks, so that the error names the Node that is needed",
    pattern: /^import (?!type\b).*(?:["']node:sqlite["']|\bgetSystemErrorMessage\b)/,
    files: production,
    allowed: () => false,
  },
  {
    name: "no test is left out or left for later",
    pattern: /\b(?:it|test|describe)\.(?:skip|only|todo|fails)\b/,
    files: sources,
    allowed: (path) => path.endsWith("habits.test.ts"),
  },
  {
    name: "nothing is left for later",
    pattern: /\b(?:TODO|FIXME|XXX)\b/,
    files: sources,
    allowed: (path) => path.endsWith("habits.test.ts"),
  },
  {
    name: "types are not silenced",
    pattern: /@ts-(?:ignore|nocheck|expect-error)/,
    files: sources,
    allowed: (path) => path.endsWith("habits.test.ts"),
  },
];

describe("the sources", () => {
  it.each(rules)("keep the habit: $name", ({ pattern, files, allowed }) => {
    const offenders = files
      .filter((path) => !allowed(path))
      .flatMap((path) =>
        read(path)
          .split("\n")
          .flatMap((line, index) =>
            pattern.test(line) && !/^\s*(?:\*|\/\/|\/\*)/.test(line) ? [`${path}:${index + 1}`] : [],
          ),
      );
    expect(offenders).toEqual([]);
  });

  it("open every production file with a comment that says what it is", () => {
    const bare = production.filter((path) => !/^(?:#!.*\n)?\s*(?:\/\*\*|\/\/)/.test(read(path)));
    expect(bare).toEqual([]);
  });
});

describe("the packages", () => {
  it("have one door, and a second only for testing", () => {
    const odd = packageFolders()
      .map(manifestOf)
      .filter((manifest) => manifest.private !== true)
      .flatMap((manifest) =>
        Object.keys(manifest.exports ?? {})
          .filter((door) => ![".", "./testing", "./package.json", "./schema.json"].includes(door))
          .map((door) => `${manifest.name} ${door}`),
      );
    expect(odd).toEqual([]);
  });

  it("run their tests as a task of turbo", () => {
    const forgotten = packageFolders().filter((folder) => {
      const hasTests = trackedFiles().some(
        (path) => path.startsWith(`${folder}/`) && path.endsWith(".test.ts"),
      );
      const script = hasTests ? `cd ../.. && vitest run --project ${folder}` : undefined;
      return manifestOf(folder).scripts?.["test"] !== script;
    });
    expect(forgotten).toEqual([]);
  });

  it("say which Node they need", () => {
    expect(packageFolders().filter((folder) => manifestOf(folder).engines?.node !== ">=22.13")).toEqual([]);
  });
});
