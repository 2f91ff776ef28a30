/**
 * Makes the private git directory of an observer, with its own index, objects and a fixed configuration, hidden from the
 * worker. If the containment cannot hide it, a digest shows whether the worker changed it.
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openPlacedFile } from "@agentcore/contract";

/** No filters, no programs; every file is checked, even outside of a sparse checkout. Objects are temporary: no compression. */
const configText = (directory: string): string => `[core]
\trepositoryFormatVersion = 1
\tbare = false
\tfileMode = true
\tsymlinks = true
\tsparseCheckout = true
\tsplitIndex = false
\tuntrackedCache = false
\tlooseCompression = 0
\tsafecrlf = false
\texcludesFile = /dev/null
\tattributesFile = ${JSON.stringify(join(directory, "attributes"))}
[advice]
\taddEmbeddedRepo = false
`;

export async function makePrivateGitDir(directory: string): Promise<void> {
  const parts = ["objects/info", "refs", "info"].map((name) => join(directory, name));
  for (const part of parts) await mkdir(part, { recursive: true, mode: 0o700 });
  await writeFile(join(directory, "HEAD"), "ref: refs/heads/observed\n");
  await writeFile(join(directory, "config"), configText(directory));
}

/** Every file in it that decides what git sees. */
const deciding = [
  "HEAD",
  "config",
  "index",
  "attributes",
  "info/exclude",
  "info/attributes",
  "objects/info/alternates",
];

/** The digest of the files that decide what git sees. Never rejects, and never blocks on a special file. */
export async function digestOfGitDir(directory: string): Promise<string> {
  const digest = createHash("sha256");
  for (const name of deciding) digest.update(`${name}\0${await digestOfFile(join(directory, name))}\0`);
  return digest.digest("hex");
}

async function digestOfFile(path: string): Promise<string> {
  try {
    // A worker may have replaced it with a pipe or a link.
    const file = await openPlacedFile(path);
    try {
      const digest = createHash("sha256");
      for await (const chunk of file.createReadStream({ autoClose: false })) digest.update(chunk as Buffer);
      return digest.digest("hex");
    } finally {
      await file.close();
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
