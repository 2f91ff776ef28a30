/**
 * A host on a store that machines share: a scheduler with its runtime in a process of its own, as `agentcore work` has it. The store
 * is a state directory, in place of a server: what matters here is what happens to the processes.
 */
import { silentLog } from "@agentcore/contract";
import { processOwner, processState } from "@agentcore/core";
import { createScheduler, openSpoolDirectory, runtimeProcess, superviseRuntime } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { join } from "node:path";

export interface HostProcessOptions {
  readonly program: string;
  readonly stateDir: string;
  readonly configPath: string;
  readonly leaseMs: number;
}

const { program, stateDir, configPath, leaseMs } = JSON.parse(process.argv[2] ?? "") as HostProcessOptions;
const database = await openStateDatabase({ directory: stateDir });
const proveGone = async () => false;
const options = ["--state-dir", stateDir, "--config", configPath];
const runtime = superviseRuntime({
  start: runtimeProcess({
    command: process.execPath,
    args: [program, "runtime", "--stdio", ...options],
    env: process.env as Record<string, string>,
  }),
  proveGone: async () => true,
});
await runtime.ready();
const scheduler = await createScheduler({
  store: createSqliteJobStore(database),
  runtime,
  leaseMs,
  proveGone,
  spool: openSpoolDirectory(join(stateDir, "spool"), silentLog),
  process: { host: "host", ...processOwner(), place: `host:${stateDir}` },
  processState,
});
process.stdout.write("ready\n");
process.once("SIGTERM", () => {
  void scheduler
    .close()
    .then(() => runtime.close())
    .then(() => database.close())
    .then(() => process.exit(0));
});
