/** The default place of state: below `XDG_STATE_HOME`, else `HOME`. */
import { join } from "node:path";
import type { Environment } from "@agentcore/yaml-file";

/** The XDG directory; null if neither HOME nor XDG_STATE_HOME is set to an absolute path. */
export function defaultStateDir(env: Environment): string | null {
  const { XDG_STATE_HOME: stateHome = "", HOME: home = "" } = env;
  if (stateHome.startsWith("/")) return join(stateHome, "agentcore");
  return home.startsWith("/") ? join(home, ".local/state/agentcore") : null;
}
