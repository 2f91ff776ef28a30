// Runs pnpm at the version that package.json pins, with nothing installed beforehand but Node >= 20 and npm.
// `node scripts/pnpm.mjs ARGS…` on the command line; `pnpm(args)` for the other scripts.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { root, run } from "./process.mjs";

const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/**
 * Runs pnpm and resolves to its exit code.
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 */
export function pnpm(args, options = {}) {
  return run("npx", ["--yes", packageManager, ...args], { cwd: root, ...options });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await pnpm(process.argv.slice(2));
}
