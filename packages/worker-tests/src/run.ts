/**
 * `npm run test:workers [-- PATTERN]`: installs the pinned CLIs where they are not yet, runs the matrix (all of it, or
 * the cases whose full name matches the pattern), and exits 0 only when every case that ran passed and at least one did.
 */
import { installClis, InstallationError } from "./install.ts";
import { cacheFolder, pinsFolder, vitestConfig } from "./places.ts";
import { runMatrix } from "./run-matrix.ts";

const print = (line: string): void => {
  console.log(line);
};

try {
  await installClis({ pinsFolder, cacheFolder, report: print, env: process.env });
  const { passed, failed } = await runMatrix({ config: vitestConfig, pattern: process.argv[2], print });
  process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof InstallationError)) throw error;
  console.error(error.message);
  print("0 passed, 1 failed");
  process.exitCode = 1;
}
