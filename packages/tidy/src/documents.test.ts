import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { errorCodesDocument } from "./error-codes-document.ts";
import { publishedSchemas } from "./published-schemas.ts";
import { manifestOf, packageFolders, read, root, trackedFiles } from "./repository.ts";

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

  it("list the error codes as the catalogue has them (`npm run docs` writes the list)", () => {
    expect(squeeze(read("docs/error-codes.md"))).toBe(squeeze(errorCodesDocument()));
  });

  it.each(Object.entries(publishedSchemas()))(
    "include the schema %s as the code has it (`npm run docs` writes it)",
    (path, schema) => {
      expect(JSON.parse(read(path))).toEqual(schema);
    },
  );

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

/** The formatter pads table cells; the content is what counts. */
function squeeze(text: string): string {
  return text.replace(/[ -]+/g, " ").trim();
}
