/** A database server of a peer: started in a folder of its own, reached through a socket in it, and stopped for sure. */
import { type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

export interface Server {
  stop(this: void): Promise<void>;
}

const readyTimeoutMs = 20_000;

/** Resolves once `isReady` says so. */
export async function startServer(
  command: string,
  args: readonly string[],
  options: Pick<SpawnOptions, "uid" | "gid" | "cwd"> & {
    readonly isReady: () => boolean | Promise<boolean>;
  },
): Promise<Server> {
  const { isReady, ...spawnOptions } = options;
  const child = spawn(command, args, { ...spawnOptions, stdio: ["ignore", "ignore", "pipe"] });
  const messages: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => messages.push(text));
  const failed = once(child, "error").then(([error]) => {
    throw error;
  });
  const closed = once(child, "close");
  const waitUntilReady = async (): Promise<void> => {
    for (const startedAt = performance.now(); !(await isReady()); await sleep(20)) {
      if (child.exitCode !== null || performance.now() - startedAt > readyTimeoutMs) {
        throw new Error(`${command} did not start: ${messages.join("").slice(-500)}`);
      }
    }
  };
  await Promise.race([waitUntilReady(), failed]);
  return {
    async stop() {
      // SIGINT is a quick and clean end for both servers.
      child.kill("SIGINT");
      await closed;
    },
  };
}
