/**
 * Finding and reading `agentcore.yaml`: the file named, or the nearest one from the working directory upwards, or none.
 * All errors of a file are told at once, each with its line and column; nothing starts while there is one.
 */
import { AgentCoreError } from "@agentcore/contract";
import { readYaml, type YamlIssue } from "@agentcore/yaml-file";
import { readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Environment } from "./env-text.ts";
import { configJsonSchema, configSchema, type Config } from "./schema.ts";

const configFileName = "agentcore.yaml";
/** Larger files are refused: a configuration is written by hand. */
const configBytesMax = 1024 * 1024;

export interface LoadedConfig {
  readonly config: Config;
  /** Absolute path of the file; null where there is none and every value is the default. */
  readonly path: string | null;
}

export interface ConfigRequest {
  /** Path from the command line; wins over the search. */
  readonly path?: string;
  readonly cwd: string;
  readonly env: Environment;
}

/** Throws `AC_CONFIG_INVALID`; `evidence.errors` has each error with its place. */
export async function loadConfig(request: ConfigRequest): Promise<LoadedConfig> {
  const path = request.path === undefined ? findConfig(request.cwd) : resolve(request.cwd, request.path);
  if (path === null) return { config: configSchema(request.env).parse({}), path: null };
  const text = readText(path, request.cwd);
  const read = await readYaml(text, { schema: configSchema(request.env), jsonSchema: configJsonSchema });
  if (!read.ok) throw invalid(shownPath(path, request.cwd), read.issues);
  return { config: read.value, path };
}

/** The nearest configuration file from the directory upwards. */
export function findConfig(directory: string): string | null {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const candidate = join(at, configFileName);
    if (isFile(candidate)) return candidate;
    if (at === dirname(at)) return null;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function readText(path: string, cwd: string): string {
  const shown = shownPath(path, cwd);
  try {
    const { size } = statSync(path);
    if (size > configBytesMax)
      throw invalid(shown, [{ line: 1, column: 1, message: "the file is larger than 1 MiB" }]);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof AgentCoreError) throw error;
    const reason =
      (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : (error as Error).message;
    throw new AgentCoreError("AC_CONFIG_INVALID", `${shown}: ${reason}`, { cause: error });
  }
}

function invalid(shown: string, issues: readonly YamlIssue[]): AgentCoreError {
  const lines = issues.map(({ line, column, message }) => `${shown}:${line}:${column}: ${message}`);
  return new AgentCoreError("AC_CONFIG_INVALID", lines.join("\n"), {
    evidence: { errors: issues.map((issue) => ({ ...issue })) },
  });
}

/** Relative where that is shorter to read. */
function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short.startsWith("..") ? path : short;
}
