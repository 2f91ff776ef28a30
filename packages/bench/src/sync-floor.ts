/** The floor of everything durable: how often the disk syncs. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a log that is synced for each acknowledgement cannot do without. */
export function syncsPerSecond(): number {
  const times = 100;
  const block = Buffer.alloc(4096);
  const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
  const file = openSync(join(directory, "log"), "w");
  try {
    const startedAt = performance.now();
    for (let sync = 0; sync < times; sync += 1) {
      writeSync(file, block);
      fdatasyncSync(file);
    }
    return (times * 1000) / (performance.now() - startedAt);
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}
