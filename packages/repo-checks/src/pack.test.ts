import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./repository.ts";

const pack = join(root, "scripts/pack.mjs");

it.each([
  ["/proc/x", "cannot pack into /proc/x: /proc is no place for files; name a folder on a disk\n"],
  [join(pack, "x"), /^cannot pack into .*pack\.mjs\/x: ENOTDIR.*\n$/],
])("packing into %s is refused at once", (folder, words) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [pack, folder], { encoding: "utf8" });
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  if (typeof words === "string") expect(stderr).toBe(words);
  else expect(stderr).toMatch(words);
});
