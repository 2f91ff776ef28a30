// Builds the page of the daemon and prints how large its scripts are, compressed. Exits with 1 if they exceed the budget:
// the page has to open quickly over a slow tunnel, and what it does needs no more.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildPage } from "./pack.mjs";

const budgetBytes = 60_000;

const folder = mkdtempSync(join(tmpdir(), "agentcore-page-size-"));
try {
  buildPage(folder);
  const sizes = readdirSync(join(folder, "assets"))
    .filter((name) => name.endsWith(".js"))
    .map((name) => ({
      name,
      bytes: gzipSync(readFileSync(join(folder, "assets", name)), { level: 9 }).length,
    }));
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { name, bytes } of sizes) console.log(`${String(bytes).padStart(6)} bytes  ${name}`);
  console.log(`${String(total).padStart(6)} bytes of script compressed, of ${budgetBytes}`);
  if (sizes.length === 0 || total > budgetBytes) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
