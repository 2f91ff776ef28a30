/** Which store a process uses: a database that several machines share, or the file in its own state directory. */
import { AgentCoreError, storeUrlProblem } from "@agentcore/contract";
import { variableOf, type Environment } from "@agentcore/yaml-file";

const variable = "AGENTCORE_STORE";

/**
 * The URL of the shared store; null if there is none. An option of a call wins, then the variable `AGENTCORE_STORE`, then the
 * files, the first one that names one. Throws `AC_USAGE` for a variable and `AC_OPTION_INVALID` for an option that is no such URL.
 */
export function sharedStoreOf(
  env: Environment,
  files: readonly (string | null | undefined)[],
  option?: string,
): string | null {
  if (option !== undefined) return checked(option, "AC_OPTION_INVALID", "store");
  const set = variableOf(env, variable);
  if (set !== undefined && set !== "") return checked(set, "AC_USAGE", `the variable ${variable}`);
  return files.find((url) => typeof url === "string") ?? null;
}

function checked(url: string, code: "AC_USAGE" | "AC_OPTION_INVALID", name: string): string {
  const problem = storeUrlProblem(url);
  if (problem === null) return url;
  throw new AgentCoreError(code, `${name} ${problem}`);
}

/**
 * The environment without what opens the shared store, for everything that a worker, a source or a step may ask for by name. The
 * variables of PostgreSQL stay if the URL has its own password: they are then for another database.
 */
export function withoutStoreSecret(env: Environment, store: string | null): Environment {
  if (store === null) return env;
  const hidden = new URL(store).password === "" ? [variable, "PGPASSWORD", "PGPASSFILE"] : [variable];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.includes(name)));
}

/** For a process of ours, which opens the same store. */
export function withStore(env: Environment, store: string | null): Environment {
  return store === null ? env : { ...env, [variable]: store };
}
