/**
 * Reads results that a runtime could not deliver because its scheduler was gone; see `spooledResultSchema`. They are read
 * before any attempt counts as lost, so that finished work is not paid for twice.
 *
 * A spooled result decides a job, so it must come from the runtime. A worker in a sealed box cannot see the spool at all. A
 * signature would not help: anybody who can write here as this user can also read any key of this user. Only regular files
 * are accepted that this user owns and nobody else can write.
 */
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  AgentCoreError,
  isMissing,
  PlacedFileError,
  readPlacedFile,
  spooledResultSchema,
  type Log,
  type SpooledResult,
} from "@agentcore/contract";

export interface ResultSpool {
  /** The current results, in no particular order. */
  list(): Promise<readonly SpooledResult[]>;
  /** Called once the result was applied or kept as late. */
  remove(result: SpooledResult): Promise<void>;
}

export const emptySpool: ResultSpool = {
  list: async () => [],
  remove: async () => {},
};

/**
 * The spool directory of a state directory. It need not exist. A file that is not a spooled result is renamed with the suffix
 * `.unreadable`, and never deleted.
 */
export function openSpoolDirectory(directory: string, log: Log): ResultSpool {
  return {
    async list() {
      const names = await listNames(directory);
      const read = names.map((name) => readResult(directory, name, log));
      return (await Promise.all(read)).filter((result) => result !== undefined);
    },
    async remove(result) {
      await rm(join(directory, fileName(result)), { force: true });
    },
  };
}

const suffix = ".json";
/** For one result with all its observations; those of the runtime are far smaller. */
const resultBytesMax = 64 * 1024 * 1024;
const fileName = (result: SpooledResult): string => `${result.permitId}${suffix}`;

async function listNames(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith(suffix));
  } catch (error) {
    if (isMissing(error)) return [];
    throw new AgentCoreError("AC_STORE_UNAVAILABLE", `cannot read the result spool ${directory}`, {
      cause: error,
    });
  }
}

async function readResult(directory: string, name: string, log: Log): Promise<SpooledResult | undefined> {
  const path = join(directory, name);
  let text: string;
  try {
    text = await readPlacedFile(path, { bytesMax: resultBytesMax, ownOnly: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (error instanceof PlacedFileError) return setAside(path, error.message, log);
    throw new AgentCoreError("AC_STORE_UNAVAILABLE", `cannot read the spooled result ${path}`, {
      cause: error,
    });
  }
  const result = parse(text);
  if (result !== undefined && fileName(result) === name) return result;
  return setAside(path, "it is not a result", log);
}

async function setAside(path: string, reason: string, log: Log): Promise<undefined> {
  log.error({ path, reason }, "set aside a file of the result spool that is no result");
  await rename(path, `${path}.unreadable`);
}

function parse(text: string): SpooledResult | undefined {
  try {
    return spooledResultSchema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && error.name === "ZodError"))
      return undefined;
    throw error;
  }
}
