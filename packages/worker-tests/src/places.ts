/** Where the rig's own files are: the committed pins, the cache folder of the installed CLIs (git-ignored), the examples. */
import { join } from "node:path";

const packageFolder = join(import.meta.dirname, "..");

export const pinsFolder = join(packageFolder, "clis");
const cache = join(packageFolder, "..", "..", ".cache");
/** Set to `newest` by `npm run test:workers -- --newest`, for the test process. */
export const releaseVariable = "WORKER_TESTS_RELEASE";
export const newestPinsFolder = join(cache, "workers-newest-pins");
export const newestCacheFolder = join(cache, "workers-newest");
export const pinnedCacheFolder = join(cache, "workers");
/** Where the CLIs of this process's run are installed. */
export const cacheFolder = process.env[releaseVariable] === "newest" ? newestCacheFolder : pinnedCacheFolder;
export const exampleWorkflows = join(packageFolder, "..", "..", "examples", "workflows");
export const vitestConfig = join(packageFolder, "vitest.config.ts");
