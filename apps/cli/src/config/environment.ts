/** The environment that this process was started with. */
import type { Environment } from "@agentcore/yaml-file";

/** A relative HOME means another place in each directory, so it counts as unset. */
export function withUsableHome(env: Environment): Environment {
  const { HOME: home, ...others } = env;
  return home === undefined || home.startsWith("/") ? env : others;
}
