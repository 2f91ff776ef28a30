/**
 * Reads `agentcore.yaml`: the named file, or the nearest one in the directories above that belongs to the user, or none.
 * Until `agentcore trust`, only the limits of a found file take effect. All errors of a file are reported together with
 * line and column, and nothing starts while there are any.
 */
import { AgentCoreError, isMissing, type ConfigurationEvent } from "@agentcore/contract";
import { type Environment, readYaml, type YamlIssue } from "@agentcore/yaml-file";
import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { defaultStateDir } from "./state-home.ts";
import { decodeText } from "../text-files.ts";
import { callerIdentity, exposureOf } from "./exposure.ts";
import { findConfig, type RefusedConfig } from "./find.ts";
import { onlyLimits } from "./key-trust.ts";
import { configJsonSchema, configSchema, type Config } from "./schema.ts";
import { defaultConfig } from "./default-config.ts";
import { TrustStore } from "./trust-store.ts";

/** Larger files are refused: people write configurations by hand. */
const configBytesMax = 1024 * 1024;

type ConfigStanding = NonNullable<ConfigurationEvent["standing"]>;

export interface LoadedConfig {
  /** The effective configuration. */
  readonly config: Config;
  readonly source: ConfigSource | null;
  /** Paths of ignored settings in the file: `workers.mine`, `state_dir`. */
  readonly ignored: readonly string[];
  /** A file that was found but not read, because another user can change it. */
  readonly refused: RefusedConfig | null;
}

/** The file that the configuration comes from. */
export interface ConfigSource {
  /** Absolute, without symbolic links. Relative paths in the file start at its directory. */
  readonly path: string;
  readonly text: string;
  readonly standing: ConfigStanding;
}

export interface ConfigRequest {
  /** Path from the command line; it overrides the search. */
  readonly path?: string;
  readonly cwd: string;
  readonly env: Environment;
}

/** Throws `AC_CONFIG_INVALID` (`evidence.errors` has each error with its place), `AC_CONFIG_MISSING`, `AC_CONFIG_EXPOSED`. */
export async function loadConfig(request: ConfigRequest): Promise<LoadedConfig> {
  const { cwd, env } = request;
  if (request.path !== undefined) {
    return readConfig(readNamedSource(resolve(cwd, request.path), cwd), request);
  }
  const { path, refused } = findConfig(cwd, { home: env["HOME"], identity: callerIdentity() });
  if (path === null) return { ...noConfig(), refused };
  const text = readText(path, cwd);
  const standing = trustStoreOf(env)?.isTrusted(path, text) === true ? "trusted" : "untrusted";
  return readConfig({ path, text, standing }, request);
}

/** A file that the user named. Throws `AC_CONFIG_MISSING` and `AC_CONFIG_EXPOSED`. */
export function readNamedSource(named: string, cwd: string): ConfigSource {
  const path = requireNamed(named, cwd);
  return { path, text: readText(path, cwd), standing: "named" };
}

/** Every setting at its default. */
export function noConfig(): LoadedConfig {
  return { config: defaultConfig(), source: null, ignored: [], refused: null };
}

/** The configuration of the source. Decisions about its trust are not repeated. */
export async function readConfig(
  source: ConfigSource,
  { cwd, env }: Pick<ConfigRequest, "cwd" | "env">,
): Promise<LoadedConfig> {
  const schema = configSchema(env);
  const read = await readYaml(source.text, { schema, jsonSchema: configJsonSchema });
  if (!read.ok) throw invalid(shownPath(source.path, cwd), read.issues);
  if (source.standing !== "untrusted") return { config: read.value, source, ignored: [], refused: null };
  const { value, ignored } = onlyLimits((read.source.value ?? {}) as Record<string, unknown>);
  return { config: schema.parse(value), source, ignored, refused: null };
}

/** Where trust is stored; null if the user has no place for state. */
export function trustStoreOf(env: Environment): TrustStore | null {
  const stateHome = defaultStateDir(env);
  return stateHome === null ? null : new TrustStore(stateHome);
}

/** The file without symbolic links, if no other user can change it. A pipe, such as `<(…)` in a shell, has no such path. */
function requireNamed(path: string, cwd: string): string {
  const shown = shownPath(path, cwd);
  let exposure: string | null;
  let real: string;
  try {
    const stats = statSync(path);
    if (stats.isFIFO() || stats.isCharacterDevice()) return path;
    real = realpathSync(path);
    exposure = exposureOf(real, callerIdentity());
  } catch (error) {
    throw unreadable(path, shown, error as NodeJS.ErrnoException);
  }
  if (exposure === null) return real;
  throw new AgentCoreError("AC_CONFIG_EXPOSED", `${shown} is not used: ${exposure}`, { evidence: { path } });
}

function readText(path: string, cwd: string): string {
  const shown = shownPath(path, cwd);
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY);
    if (fstatSync(file).size > configBytesMax)
      throw invalid(shown, [{ line: 1, column: 1, message: "the file is larger than 1 MiB" }]);
    return decodeText(readFileSync(file), shown, "AC_CONFIG_INVALID");
  } catch (error) {
    if (error instanceof AgentCoreError) throw error;
    throw unreadable(path, shown, error as NodeJS.ErrnoException);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function unreadable(path: string, shown: string, error: NodeJS.ErrnoException): AgentCoreError {
  const reason = isMissing(error)
    ? "there is no such file"
    : error.code === "EISDIR"
      ? "it is a directory; name the file in it"
      : `the file cannot be read (${error.code ?? error.message})`;
  return new AgentCoreError("AC_CONFIG_MISSING", `${shown}: ${reason}`, { cause: error, evidence: { path } });
}

function invalid(shown: string, issues: readonly YamlIssue[]): AgentCoreError {
  const lines = issues.map(({ line, column, message }) => `${shown}:${line}:${column}: ${message}`);
  return new AgentCoreError("AC_CONFIG_INVALID", lines.join("\n"), {
    evidence: { errors: issues.map((issue) => ({ ...issue })) },
  });
}

/** Relative if that is shorter. */
function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  if (short === "") return ".";
  return short.startsWith("..") ? path : short;
}
