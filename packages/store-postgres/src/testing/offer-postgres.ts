/**
 * Vitest's global setup: offers one PostgreSQL to all tests of a run. The offer is a process of its own, because a global setup is
 * loaded without the condition by which workspace packages are found in a fresh checkout.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Tests find the socket by `TEST_POSTGRES`. */
export default async function offerPostgres(): Promise<() => Promise<void>> {
  const path = join(tmpdir(), "agentcore-test-postgres");
  const program = fileURLToPath(new URL("./serve-databases.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@agentcore/source", program, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  await Promise.race([once(child.stdout, "data"), closed]);
  process.env["TEST_POSTGRES"] = path;
  return async () => {
    child.stdin.end();
    await closed;
  };
}
