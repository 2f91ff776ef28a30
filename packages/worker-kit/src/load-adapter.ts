/**
 * Loads a third-party adapter: the default export of a package or file that the configuration names. Importing runs its
 * code in this process: an adapter is trusted like the configuration, and only the processes that it starts are contained.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { AgentCoreError, errorText, type WorkerAdapter } from "@agentcore/contract";
import { adapterProblems, isAdapter } from "./adapter-shape.ts";

/**
 * `name`: a package (`@acme/agentcore-adapter`), resolved like an import in `fromDir`, or a path (`./x.js`, `/opt/x.js`),
 * relative to `fromDir`. Throws `AC_ADAPTER_MISSING` if it is not found, and `AC_ADAPTER_INVALID` if it cannot be imported
 * or is not an adapter, with a list of everything that is missing.
 */
export async function loadAdapter(name: string, fromDir: string): Promise<WorkerAdapter> {
  const file = isPath(name) ? resolveFile(name, fromDir) : resolvePackage(name, fromDir);
  const value = await importDefault(name, file);
  if (isAdapter(value)) return value;
  const problems = value === undefined ? ["it has no default export"] : adapterProblems(value);
  throw invalid(name, `is no adapter: ${problems.join("; ")}`);
}

function isPath(name: string): boolean {
  return /^\.{0,2}\//.test(name);
}

function resolveFile(name: string, fromDir: string): string {
  const file = resolve(fromDir, name);
  if (!existsSync(file)) throw missing(name, `there is no ${file}`);
  return file;
}

function resolvePackage(name: string, fromDir: string): string {
  const from = join(resolve(fromDir), "agentcore.yaml");
  try {
    return createRequire(from).resolve(name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // `require` cannot resolve a package that only supports `import`; its entry is then read from its manifest.
    const entry = code === "ERR_PACKAGE_PATH_NOT_EXPORTED" ? importEntry(name, resolve(fromDir)) : null;
    if (entry !== null) return entry;
    throw missing(name, `not from ${resolve(fromDir)}; install it there with: npm install ${name}`, error);
  }
}

/** The file behind the `import` or `default` condition of the package's main export, in the nearest `node_modules`. */
function importEntry(name: string, fromDir: string): string | null {
  for (let directory = fromDir; ; directory = dirname(directory)) {
    const root = join(directory, "node_modules", name);
    const manifest = join(root, "package.json");
    if (existsSync(manifest)) {
      const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as { exports?: unknown };
      const entry = conditionOf((exports as Record<string, unknown> | undefined)?.["."] ?? exports);
      return entry === null ? null : join(root, entry);
    }
    if (dirname(directory) === directory) return null;
  }
}

function conditionOf(target: unknown): string | null {
  if (typeof target === "string") return target;
  if (typeof target !== "object" || target === null) return null;
  const conditions = target as Record<string, unknown>;
  return conditionOf(conditions["import"] ?? conditions["node"] ?? conditions["default"] ?? null);
}

async function importDefault(name: string, file: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
    return module.default;
  } catch (error) {
    throw invalid(name, `cannot be imported: ${errorText(error)}`, error);
  }
}

function missing(name: string, problem: string, cause?: unknown): AgentCoreError {
  return new AgentCoreError("AC_ADAPTER_MISSING", `the adapter ${name} was not found: ${problem}`, {
    evidence: { adapter: name },
    cause,
  });
}

function invalid(name: string, problem: string, cause?: unknown): AgentCoreError {
  return new AgentCoreError("AC_ADAPTER_INVALID", `the adapter ${name} ${problem}`, {
    evidence: { adapter: name },
    cause,
  });
}
