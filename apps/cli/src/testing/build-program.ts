/**
 * Builds the command line as it is installed, once for a run of tests: vitest's global setup of this package. A process of
 * the bundle takes a third of the processor time that one takes which loads the sources file by file, and the tests start
 * many hundreds.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

const app = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Tests find the program by `TEST_PROGRAM`, and by `TEST_CACHE_HOME` where it keeps what Node compiles. Both are in the
 * temporary directory of the run.
 */
export default function buildProgram({ vitest }: TestProject): void {
  if (!vitest.projects.some(({ name }) => name === "apps/cli")) return;
  const directory = join(tmpdir(), "agentcore-test-program");
  for (const name of ["bin", "package.json"])
    cpSync(join(app, name), join(directory, name), { recursive: true });
  execFileSync(process.execPath, [join(app, "bundle.mjs"), join(directory, "dist/bundle")], { cwd: app });
  process.env["TEST_PROGRAM"] = join(directory, "bin/agentcore.js");
  process.env["TEST_CACHE_HOME"] = join(directory, "cache");
  mkdirSync(process.env["TEST_CACHE_HOME"]);
}
