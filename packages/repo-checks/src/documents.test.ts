import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { apiDocument } from "./api-document.ts";
import { errorCodesDocument } from "./error-codes-document.ts";
import { publishedSchemas } from "./published-schemas.ts";
import { manifestOf, packageFolders, read, root, trackedFiles } from "./repository.ts";
import { withEventTable } from "./worker-events-table.ts";

const documents = trackedFiles().filter((path) => path.endsWith(".md"));

describe("the documents", () => {
  it("have no relative link that leads nowhere", () => {
    const broken = documents.flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#[^)]*)?\)/g)]
        .map((match) => match[1] ?? "")
        .filter((target) => !existsSync(join(root, normalize(join(dirname(path), target)))))
        .map((target) => `${path} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it("name only files of the repository that exist", () => {
    // A design decision speaks of its own time, and may name what has gone since.
    const current = documents.filter((path) => /^(?:docs\/)?[^/]+\.md$/.test(path));
    const named = current.flatMap((path) =>
      [...read(path).matchAll(/`((?:packages|apps|scripts|examples)\/[\w./-]+\.\w+)`/g)].map((match) => ({
        path,
        file: match[1] ?? "",
      })),
    );
    expect(named.some(({ path }) => path === "docs/architecture.md")).toBe(true);
    expect(named.filter(({ file }) => !existsSync(join(root, file)))).toEqual([]);
  });

  it("list the error codes as the catalog has them (`npm run docs` writes the list)", () => {
    expect(squeeze(read("docs/error-codes.md"))).toBe(squeeze(errorCodesDocument()));
  });

  it("list the operations of the API as its schemas have them (`npm run docs` writes the list)", () => {
    expect(squeeze(read("docs/api.md"))).toBe(squeeze(apiDocument()));
  });

  it("list the events of workers as their schema has them (`npm run docs` writes the list)", () => {
    const document = read("docs/adapters.md");
    expect(squeeze(document)).toBe(squeeze(withEventTable(document)));
  });

  it.each(Object.entries(publishedSchemas()))(
    "include the schema %s as the code has it (`npm run docs` writes it)",
    (path, schema) => {
      expect(JSON.parse(read(path))).toEqual(schema);
    },
  );

  it("number the design decisions without gaps, and index each by its title", () => {
    const pages = trackedFiles()
      .flatMap((path) => /^docs\/adr\/(\d{4}-.*\.md)$/.exec(path)?.[1] ?? [])
      .toSorted();
    expect(pages.map((page) => Number(page.slice(0, 4)))).toEqual(pages.map((_, index) => index + 1));
    const lines = pages.map((page, index) => {
      const title = read(`docs/adr/${page}`)
        .split("\n", 1)[0]
        ?.replace(/^# \d+\. /, "");
      return `${index + 1}. [${title}](${page})`;
    });
    const index = read("docs/adr/README.md").split("\n");
    expect(lines.filter((line) => !index.some((entry) => entry.startsWith(line)))).toEqual([]);
    expect(index.filter((entry) => /^\d+\. /.test(entry))).toHaveLength(pages.length);
  });

  it("name only design decisions that exist", () => {
    const missing = documents
      .flatMap((path) =>
        [...read(path).matchAll(/\bADR (\d+)/g)].map((match) => ({ path, number: match[1] })),
      )
      .filter(({ number }) => !hasDecision(number ?? ""))
      .map(({ path, number }) => `${path}: ADR ${number}`);
    expect(missing).toEqual([]);
  });

  it("begin the README with the two commands", () => {
    const firstBlock = /```sh\n([\s\S]*?)```/.exec(read("README.md"))?.[1] ?? "";
    const commands = firstBlock.split("\n").map((line) => line.replace(/\s*#.*$/, ""));
    expect(commands.slice(0, 2)).toEqual(["npm start", "npm test"]);
  });

  it("include a README for every package", () => {
    expect(packageFolders().filter((folder) => !existsSync(join(root, folder, "README.md")))).toEqual([]);
  });

  it("name every published package in the README's list", () => {
    const readme = read("README.md");
    const names = packageFolders()
      .map(manifestOf)
      .filter((manifest) => manifest.private !== true)
      .map((manifest) => manifest.name);
    expect(names.filter((name) => !readme.includes(name))).toEqual([]);
  });
});

function hasDecision(number: string): boolean {
  return trackedFiles().some((path) => path.startsWith(`docs/adr/${number.padStart(4, "0")}-`));
}

/** The formatter pads table cells; the content is what counts. */
function squeeze(text: string): string {
  return text.replace(/[ -]+/g, " ").trim();
}
