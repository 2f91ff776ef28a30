// Runs pnpm at the version that package.json pins, with nothing installed beforehand but Node >= 20 and npm.
// `node scripts/pnpm.mjs ARGS…` on the command line; `pnpm(args)` for the other scripts.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/**
 * Runs pnpm and resolves to its exit code (128 + signal when it was killed).
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export function pnpm(args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn("npx", ["--yes", packageManager, ...args], {
      cwd: root,
      stdio: "inherit",
      ...options,
    });
    // Ctrl-C reaches the whole foreground group; this process only waits for the child's own clean end.
    const ignore = () => {};
    process.on("SIGINT", ignore);
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      process.off("SIGINT", ignore);
      resolve(code ?? (signal === "SIGINT" ? 130 : 1));
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await pnpm(process.argv.slice(2));
}
