/** Runs this program again in namespaces of its own, where it may change what would be the whole machine's. */
import { spawnSync } from "node:child_process";

const marker = "AGENTCORE_CRASH_TEST_INSIDE";

/** Options of `unshare`: a mount namespace, for which no root is needed; or one with a network of its own, as root. */
const unshareArgs = { mounts: ["-rm"], network: ["--net", "--mount"] } as const;
export type OwnNamespace = keyof typeof unshareArgs;

/** Returns true in the second run; the first one ends as that did. */
export function inOwnNamespace(what: OwnNamespace): boolean {
  if (process.env[marker] === "1") return true;
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync("unshare", [...unshareArgs[what], ...program], {
    stdio: "inherit",
    env: { ...process.env, [marker]: "1" },
  });
  process.exitCode = status ?? 1;
  return false;
}

/** Whether this user may make one here. */
export const canMake = (what: OwnNamespace): boolean =>
  spawnSync("unshare", [...unshareArgs[what], "true"]).status === 0;
