import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { patienceMs } from "@agentcore/contract/testing";
import { describe, expect, it } from "vitest";

const module = fileURLToPath(new URL("./lease-guard.ts", import.meta.url));

/** A process that does this with a guard and then stops itself. `continued`: after a while, and so it ends. */
async function endOf(use: string, continued: boolean): Promise<string> {
  const program = `
    const { createLeaseGuard } = await import(${JSON.stringify(module)});
    const guard = createLeaseGuard({ debug() {}, info() {}, warn() {}, error() {} });
    ${use}
    setTimeout(() => process.kill(process.pid, "SIGSTOP"), 300);
    setTimeout(() => process.exit(0), 400);
  `;
  const args = ["--conditions=@agentcore/source", "--input-type=module", "--eval", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const timer = continued ? setTimeout(() => child.kill("SIGCONT"), patienceMs(1200)) : undefined;
  const [code, signal] = await ended;
  clearTimeout(timer);
  return signal ?? String(code);
}

describe("the guard of a lease", () => {
  it.each<[string, string, string]>([
    ["kills a stopped process that did not renew", "guard.renew(60_000); guard.renew(800);", "SIGKILL"],
    ["leaves a process alone that renewed in time", "guard.renew(800); guard.renew(60_000);", "0"],
    ["kills nothing once nothing runs", "guard.renew(800); guard.standDown();", "0"],
    ["kills nothing after it was closed", "guard.renew(800); guard.close();", "0"],
    ["was never needed", "", "0"],
  ])("%s", { concurrent: true, timeout: patienceMs(15_000) }, async (_what, use, end) => {
    expect(await endOf(use, end !== "SIGKILL")).toBe(end);
  });
});
