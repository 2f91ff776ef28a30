/** The daemon that runs the jobs. It goes on when a process of DBOS dies. */
import { createClient } from "@agentcore/client";

const { AGENTCORE_URL: url, AGENTCORE_TOKEN: token } = process.env;
if (url === undefined) throw new TypeError("set AGENTCORE_URL to the address of agentcored");

export const core = createClient({
  url,
  token,
  reconnectMs: 60_000, // a restart of the daemon
});
