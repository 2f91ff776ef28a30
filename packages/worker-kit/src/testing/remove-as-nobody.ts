/** Makes a tree with the shell script that is its argument, removes it with as few rights as it can have, and says what came of it. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { removeTree } from "../runner/remove-tree.ts";

const [directory = "", script = ""] = process.argv.slice(2);
const nobody = 65_534;
if (process.getuid?.() === 0) {
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
mkdirSync(directory);
execFileSync("bash", ["-e", "-c", script], { cwd: directory });
try {
  await removeTree(directory);
  process.stdout.write(existsSync(directory) ? "left" : "removed");
} catch (error) {
  process.stdout.write(String(error));
}
