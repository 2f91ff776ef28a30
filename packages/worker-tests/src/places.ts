/** Where the rig's own files are: the committed pins, the cache folder of the installed CLIs (git-ignored), the examples. */
import { join } from "node:path";

const packageFolder = join(import.meta.dirname, "..");

export const pinsFolder = join(packageFolder, "clis");
export const cacheFolder = join(packageFolder, "..", "..", ".cache", "workers");
export const exampleWorkflows = join(packageFolder, "..", "..", "examples", "workflows");
export const vitestConfig = join(packageFolder, "vitest.config.ts");
