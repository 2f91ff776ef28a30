/** The state directory and the paths inside it. Several processes can share one state directory. */
import { AgentCoreError, ignore } from "@agentcore/contract";
import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { sharedStoreOf } from "../config/shared-store.ts";
import { callerIdentity, exposureOf, foreignOwnerAbove } from "../config/exposure.ts";
import { makeOwnDirectory, nearestExisting } from "../config/own-directory.ts";
import type { LoadedConfig } from "../config/load.ts";
import { trustDirectoryIn } from "../config/trust-directory.ts";
import type { Environment } from "@agentcore/yaml-file";
import { defaultStateDir } from "../config/state-home.ts";
import { requireNoSharedStore } from "./shared-store-note.ts";
import { systemWords } from "../system-words.ts";

export interface StateDir {
  /** Holds `state.db`, unless there is a shared store: jobs, attempts, decisions and the ledger. */
  readonly path: string;
  /** URL of the store that other machines share, with its password; null: `state.db`. */
  readonly store: string | null;
  /** One directory per attempt: HOME, temporary files, logs, artifacts. */
  readonly attempts: string;
  /** Records of current runs, for the sweep after a crash, and what was found out about this machine. */
  readonly containment: string;
  /** The versions that workers reported. */
  readonly versions: string;
  /** Results of runs whose scheduler was gone when they ended. */
  readonly spool: string;
  /** Results of workflow steps. */
  readonly stepCache: string;
  /** Sockets of the spend gate. */
  readonly spendGate: string;
}

/**
 * The command line wins, then the configuration (relative to its file), then the XDG default. Throws `AC_USAGE` if there is none of
 * them, or the variable `AGENTCORE_STORE` is no URL of a store.
 */
export function resolveStateDir(
  option: string | undefined,
  loaded: LoadedConfig,
  cwd: string,
  env: Environment,
): StateDir {
  const configured = loaded.config.state_dir;
  const path =
    option !== undefined
      ? resolve(cwd, option)
      : configured !== undefined && loaded.source !== null
        ? resolve(dirname(loaded.source.path), configured)
        : defaultStateDir(env);
  if (path !== null) return stateDirAt(path, sharedStoreOf(env, [loaded.config.store]));
  throw new AgentCoreError(
    "AC_USAGE",
    "neither HOME nor XDG_STATE_HOME is set to an absolute path: name the state directory with --state-dir",
  );
}

export function stateDirAt(path: string, store: string | null): StateDir {
  const at = (name: string): string => join(path, name);
  return {
    path,
    store,
    attempts: at("attempts"),
    containment: at("containment"),
    versions: at("versions"),
    spool: at("spool"),
    stepCache: at("step-cache"),
    spendGate: at("spend-gate"),
  };
}

/**
 * The machine and the state directory as other machines of a shared store know them: only processes of one place can see whether
 * each other live, and prove each other's runs gone. Empty where the store is this directory.
 */
export function sharedPlaceOf({ path, store }: Pick<StateDir, "path" | "store">): {
  readonly place?: string;
} {
  return store === null ? {} : { place: `${hostname()}:${path}` };
}

/** Creates missing directories for their owner alone: logs and artifacts can hold secrets. Existing ones must be ours. */
export function createStateDir(state: StateDir): void {
  requireOneOwner(state);
  for (const directory of [state.path, state.attempts, state.containment, state.spool, state.stepCache]) {
    try {
      makeOwnDirectory(directory);
      accessSync(directory, constants.W_OK);
    } catch (error) {
      throw new AgentCoreError("AC_STORE_UNAVAILABLE", wordsFor(directory, error as NodeJS.ErrnoException), {
        cause: error,
        evidence: { path: directory },
      });
    }
  }
  requireOwnState(state);
}

/**
 * For a command that only reads: throws `AC_USAGE` if a named directory has no state, instead of making an empty one. With a shared
 * store, the state is there.
 */
export function requireState({ path, store }: StateDir): void {
  if (store !== null) return;
  requireNoSharedStore(path);
  if (statSync(join(path, "state.db"), { throwIfNoEntry: false }) !== undefined) return;
  throw new AgentCoreError(
    "AC_USAGE",
    `there is no state in ${path}: correct --state-dir; run, submit and work make a new state directory`,
    { evidence: { path } },
  );
}

function wordsFor(directory: string, error: NodeJS.ErrnoException): string {
  const { code, syscall } = error;
  if (code === "EROFS")
    return `the state directory ${directory} cannot be written: its file system is read-only (EROFS); mount it writable, or use another one`;
  const verb = syscall === "access" ? "written" : "created";
  return `the state directory ${directory} cannot be ${verb}: ${systemWords(error)}; use another one`;
}

/**
 * What no worker may see or write: the state, the user's trust, and the compiled form of this program. The last two are elsewhere
 * if the state directory was named.
 */
export function hiddenDirectories(state: StateDir, env: Environment): string[] {
  const stateHome = defaultStateDir(env);
  const cache = cacheDir(env);
  const more = [
    ...(stateHome === null ? [] : [trustDirectoryIn(stateHome)]),
    ...(cache === null ? [] : [cache]),
  ].flatMap((path) => (existsSync(path) ? [realpathSync(path)] : []));
  const own = existsSync(state.path) ? realpathSync(state.path) : state.path;
  return [own, ...more.filter((path) => path !== own && !path.startsWith(`${own}/`))];
}

/** A missing directory cannot be hidden, and a worker could create it. If nobody can create it, there is none. */
export function makeTrustDirectory(env: Environment): void {
  const stateHome = defaultStateDir(env);
  const { XDG_STATE_HOME: named = "", HOME: home = "" } = env;
  // Do not create a home directory that does not exist.
  if (stateHome === null || !(named.startsWith("/") || existsSync(home))) return;
  try {
    makeOwnDirectory(trustDirectoryIn(stateHome));
  } catch (error) {
    ignore(error, "a home that is read-only for us, or another user's, is so for a worker");
  }
}

/** Same as in `bin/compile-cache.js`. */
function cacheDir({ XDG_CACHE_HOME: cacheHome = "", HOME: home = "" }: Environment): string | null {
  if (cacheHome.startsWith("/")) return join(cacheHome, "agentcore");
  return home.startsWith("/") ? join(home, ".cache", "agentcore") : null;
}

/**
 * Throws `AC_STORE_UNAVAILABLE` if the parent of the directory, the directory, or its content belongs to another user, before
 * anything is created there: one user could not use the files of the other.
 */
export function requireOneOwner(state: StateDir): void {
  const problem = ownerProblem(state);
  if (problem === null) return;
  throw new AgentCoreError(
    "AC_STORE_UNAVAILABLE",
    `the state directory ${state.path} is not used: ${problem}`,
    {
      evidence: { path: state.path },
    },
  );
}

function ownerProblem(state: StateDir): string | null {
  const identity = callerIdentity();
  if (identity === null) return null;
  const self = `this is user ${identity.uid}`;
  const elsewhere = "run as that user, or use another directory";
  const { path, stats, isClosed } = nearestExisting(state.path);
  if (isClosed)
    return `${path} belongs to user ${stats.uid} and is not accessible, and ${self}; ${elsewhere}`;
  const foreign = foreignOwnerAbove(realpathSync(path), identity);
  if (foreign !== null) return `${foreign}, and ${self}; ${elsewhere}`;
  if (path !== state.path || !stats.isDirectory()) return null;
  if (stats.uid !== identity.uid && !isWritable(path))
    return `it belongs to user ${stats.uid}, and ${self}; ${elsewhere}`;
  const { attempts, containment, versions, spool, stepCache } = state;
  for (const each of [join(path, "state.db"), attempts, containment, versions, spool, stepCache]) {
    const uid = statSync(each, { throwIfNoEntry: false })?.uid ?? identity.uid;
    if (uid !== identity.uid)
      return `${each} belongs to user ${uid}, and ${self}; give all of it to one user with \`chown -R\`, or use another directory`;
  }
  return null;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    ignore(error, "said by the caller, with whose it is");
    return false;
  }
}

/** Throws `AC_STORE_UNAVAILABLE` if another user can write to the directory or replace it: its jobs run as us. It must exist. */
export function requireOwnState({ path }: StateDir): void {
  const exposure = exposureOf(realpathSync(path), callerIdentity());
  if (exposure === null) return;
  throw new AgentCoreError(
    "AC_STORE_UNAVAILABLE",
    `the state directory ${path} is not used: ${exposure}; make it writable only by you (chown, chmod go-w), or use another one`,
    { evidence: { path } },
  );
}
