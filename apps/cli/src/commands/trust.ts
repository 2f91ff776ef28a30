/** `agentcore trust`: gives a configuration file that was found full effect, until its content changes. */
import { AgentCoreError, systemClock } from "@agentcore/contract";
import { realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { callerIdentity } from "../config/exposure.ts";
import { configFileName, findConfig } from "../config/find.ts";
import { readConfig, readNamedSource, trustStoreOf } from "../config/load.ts";
import type { TrustStore } from "../config/trust-store.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { oneLine } from "../screen/text.ts";

export interface TrustOptions {
  readonly list?: boolean;
  readonly revoke?: boolean;
  readonly json?: boolean;
}

/** `named`: a configuration file or its directory. Default: the file that a command in this directory would find. */
export async function trust(named: string | undefined, options: TrustOptions, io: Io): Promise<number> {
  const store = requireStore(io);
  if (options.list === true) return list(store, named, options, io);
  const path = named === undefined ? nearest(io) : fileIn(resolve(io.cwd, named));
  if (options.revoke === true) return revoke(store, path, options, io);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
    throw new AgentCoreError("AC_USAGE", `${path} is not a regular file; only a regular file can be trusted`);
  const source = readNamedSource(path, io.cwd);
  // Refuses a file with mistakes, and shows what the trust is about.
  const { ignored } = await readConfig({ ...source, standing: "untrusted" }, io);
  store.trust(source.path, source.text, systemClock.now());
  if (options.json === true)
    io.stdout.json({ ...noFacts, path: source.path, trusted: true, settings: ignored });
  else {
    const settings = ignored.length === 0 ? "it only sets limits" : `now in effect: ${ignored.join(", ")}`;
    io.stdout.write(`${oneLine(`trusted ${source.path} as it is now; ${settings}`)}\n`);
  }
  return exitCodes.succeeded;
}

const noFacts = { type: "trust", sha256: null, trustedAt: null, settings: null };

function requireStore(io: Io): TrustStore {
  const store = trustStoreOf(io.env);
  if (store !== null) return store;
  throw new AgentCoreError(
    "AC_USAGE",
    "neither HOME nor XDG_STATE_HOME is set to an absolute path, so there is no place to store trust; set one of them",
  );
}

function list(store: TrustStore, named: string | undefined, options: TrustOptions, io: Io): number {
  if (named !== undefined || options.revoke === true)
    throw new AgentCoreError("AC_USAGE", "--list takes neither a path nor --revoke");
  for (const { path, sha256, trustedAt } of store.list()) {
    if (options.json === true) io.stdout.json({ ...noFacts, path, trusted: true, sha256, trustedAt });
    else io.stdout.write(`${oneLine(`${trustedAt}  ${path}`)}\n`);
  }
  return exitCodes.succeeded;
}

/** Also works for a file that is gone or can no longer be read. */
function revoke(store: TrustStore, path: string, options: TrustOptions, io: Io): number {
  const target = statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
  if (!store.revoke(target)) {
    throw new AgentCoreError("AC_USAGE", `${path} is not trusted; see agentcore trust --list`);
  }
  if (options.json === true) io.stdout.json({ ...noFacts, path: target, trusted: false });
  else io.stdout.write(`${oneLine(`${target} is not trusted any more`)}\n`);
  return exitCodes.succeeded;
}

function nearest(io: Io): string {
  const { path, refused } = findConfig(io.cwd, { home: io.env["HOME"], identity: callerIdentity() });
  if (path !== null) return path;
  if (refused === null) {
    throw new AgentCoreError(
      "AC_CONFIG_MISSING",
      `there is no ${configFileName} here or in a directory above`,
    );
  }
  throw new AgentCoreError("AC_CONFIG_EXPOSED", `${refused.path} cannot be trusted: ${refused.reason}`, {
    evidence: { ...refused },
  });
}

function fileIn(path: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
    ? join(path, configFileName)
    : path;
}
