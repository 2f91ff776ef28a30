/** Runs this program again where it may mount file systems of its own. */
import { spawnSync } from "node:child_process";

const marker = "AGENTCORE_SOAK_INSIDE";

/** Returns true in the second run; the first one ends as that did. */
export function inMountNamespace(): boolean {
  if (process.env[marker] === "1") return true;
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync("unshare", ["-rm", ...program], {
    stdio: "inherit",
    env: { ...process.env, [marker]: "1" },
  });
  process.exitCode = status ?? 1;
  return false;
}

/** Whether this user may make a mount namespace here. */
export const canMount = (): boolean => spawnSync("unshare", ["-rm", "true"]).status === 0;
