/**
 * The note in a state directory that its jobs are in a shared store. Without it, a command that does not know of the store would
 * make a `state.db` beside it, and put jobs there that nobody runs.
 */
import { AgentCoreError, nullIfGone, storePlace } from "@agentcore/contract";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const noteFile = (stateDir: string): string => join(stateDir, "shared-store");

function readNote(stateDir: string): string | null {
  return nullIfGone(() => readFileSync(noteFile(stateDir), "utf8").trim());
}

/** Once the store was opened. The note never has the password. */
export function noteSharedStore(stateDir: string, url: string): void {
  const place = storePlace(url);
  if (readNote(stateDir) !== place) writeFileSync(noteFile(stateDir), `${place}\n`, { mode: 0o600 });
}

/** Throws `AC_USAGE` if the jobs of the state directory are in a shared store. */
export function requireNoSharedStore(stateDir: string): void {
  const place = readNote(stateDir);
  if (place === null) return;
  throw new AgentCoreError(
    "AC_USAGE",
    `the jobs of ${stateDir} are in ${place}: name it in AGENTCORE_STORE, or as \`store\` in agentcore.yaml; to use a state.db here instead, remove ${noteFile(stateDir)}`,
    { evidence: { path: stateDir, place } },
  );
}
