/**
 * `npm run test:workers [-- [--newest] [PATTERN]]`: installs the pinned CLIs where they are not yet, or with `--newest` those
 * that the registry calls `latest`, runs the matrix (all of it, or the cases whose full name matches the pattern), and exits 0
 * only when every case that ran passed and at least one did.
 */
import { parseArgs } from "node:util";
import { installClis, InstallationError } from "./install.ts";
import { pinNewest } from "./newest.ts";
import {
  newestCacheFolder,
  newestPinsFolder,
  pinnedCacheFolder,
  pinsFolder,
  releaseVariable,
  vitestConfig,
} from "./places.ts";
import { runMatrix } from "./run-matrix.ts";

const print = (line: string): void => {
  console.log(line);
};

const { values, positionals } = parseArgs({
  options: { newest: { type: "boolean" } },
  allowPositionals: true,
});
const { env } = process;

try {
  if (values.newest === true) {
    await pinNewest({ pinsFolder, newestPinsFolder, env });
    await installClis({ pinsFolder: newestPinsFolder, cacheFolder: newestCacheFolder, report: print, env });
    // The matrix runs in a process of its own, which finds the CLIs by this.
    env[releaseVariable] = "newest";
  } else {
    await installClis({ pinsFolder, cacheFolder: pinnedCacheFolder, report: print, env });
  }
  const { passed, failed } = await runMatrix({ config: vitestConfig, pattern: positionals[0], print });
  process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof InstallationError)) throw error;
  console.error(error.message);
  print("0 passed, 1 failed");
  process.exitCode = 1;
}
