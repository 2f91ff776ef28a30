/**
 * Refuses a Node that lacks what these packages use. Every one of them imports this package first, so the error comes before
 * any of them is evaluated. For the same reason, no file has a static import of a module that an old Node lacks, such as
 * `node:sqlite`: Node resolves those before it evaluates anything.
 */
import { AgentCoreError } from "./errors.ts";

const nodeMin = { major: 22, minor: 13 } as const;

export function isSupportedNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > nodeMin.major || (major === nodeMin.major && minor >= nodeMin.minor);
}

const version = process.versions.node;
if (!isSupportedNode(version)) {
  throw new AgentCoreError(
    "AC_NODE_UNSUPPORTED",
    `AgentCore needs Node ${nodeMin.major}.${nodeMin.minor} or newer, and this is ${version}; install it from https://nodejs.org`,
  );
}
