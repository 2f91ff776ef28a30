import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { takeProcessLock } from "./process-lock.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

it("is held by one process, until that process gives it back or is killed", async () => {
  const path = join(directory, "daemon.lock");
  const source = fileURLToPath(new URL("./process-lock.ts", import.meta.url));
  const script = `
    import { takeProcessLock } from ${JSON.stringify(source)};
    console.log(takeProcessLock(${JSON.stringify(path)}) === null ? "busy" : "held");
    setInterval(() => {}, 1000);`;
  const args = ["--conditions=@agentcore/source", "--input-type=module", "-e", script];
  const holder = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const said = await Promise.race([once(holder.stdout, "data"), once(holder, "close")]);
  expect(String(said[0])).toBe("held\n");
  expect(takeProcessLock(path)).toBeNull();
  holder.kill("SIGKILL");
  await once(holder, "close");
  const lock = takeProcessLock(path);
  expect(lock).not.toBeNull();
  expect(takeProcessLock(path)).toBeNull();
  lock?.release();
  takeProcessLock(path)?.release();
  takeProcessLock(path)!.release();
});

it("throws for a file that is no database", () => {
  const path = join(directory, "other.lock");
  writeFileSync(path, "not a database, and long enough to be read as one ".repeat(50));
  expect(() => takeProcessLock(path)).toThrow(/not a database/);
});
