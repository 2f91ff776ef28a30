import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openPlacedFile, readPlacedFile, readPlacedFileSync } from "./placed-file.ts";

const directory = mkdtempSync(join(tmpdir(), "agentcore-placed-"));
const at = (name: string): string => join(directory, name);
writeFileSync(at("file"), "text", { mode: 0o600 });
writeFileSync(at("large"), "x".repeat(11), { mode: 0o600 });
writeFileSync(at("shared"), "text");
chmodSync(at("shared"), 0o666);
symlinkSync("file", at("link"));
symlinkSync("nowhere", at("dangling"));
mkdirSync(at("directory"));
execFileSync("mkfifo", [at("fifo")]);
const server = createServer().listen(at("socket"));
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

const rules = { bytesMax: 10, ownOnly: true };
const readers = {
  open: async (path: string) => (await openPlacedFile(path, rules)).close(),
  read: (path: string) => readPlacedFile(path, rules),
  "read at once": async (path: string) => readPlacedFileSync(path, rules),
};

describe.each(Object.entries(readers))("%s", (_, read) => {
  it.each([
    ["fifo", "not a regular file"],
    ["directory", "not a regular file"],
    ["socket", "not a regular file"],
    ["/dev/null", "not a regular file"],
    ["link", "symbolic link"],
    ["dangling", "symbolic link"],
    ["large", "larger than 10 bytes"],
    ["shared", "others may write it"],
  ])("refuses %s at once", async (name, why) => {
    const path = name.startsWith("/") ? name : at(name);
    await expect(read(path)).rejects.toMatchObject({
      code: "PLACED_FILE",
      message: expect.stringContaining(why),
    });
  });

  it("takes a regular file, and says what the system says of one that is missing", async () => {
    await read(at("file"));
    await expect(read(at("missing"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

it("reads the whole of a file", async () => {
  expect(await readPlacedFile(at("file"), rules)).toBe("text");
  expect(readPlacedFileSync(at("file"), rules)).toBe("text");
});
