// Brings a checkout to the point where its tools run: pnpm, the pinned Node and the locked packages. When that was done
// for exactly these manifests and this lockfile, it costs a few milliseconds.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pnpm } from "./pnpm.mjs";
import { root } from "./process.mjs";

const stamp = join(root, "node_modules", ".agentcore-setup");

function fingerprint() {
  const manifests = ["packages", "apps"].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(root, parent, name, "package.json")),
  );
  const hash = createHash("sha256");
  for (const file of [join(root, "pnpm-lock.yaml"), join(root, "package.json"), ...manifests]) {
    if (existsSync(file)) hash.update(readFileSync(file));
  }
  return hash.digest("hex");
}

/** Installs the locked packages unless that was done for exactly these manifests. Ends the process where it fails. */
export async function setUp() {
  const want = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === want) return;
  console.error("Setting up: pnpm, Node and the locked packages (about 20 seconds the first time) …");
  const code = await pnpm(["install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=warn"], {
    stdio: ["ignore", 2, 2],
  });
  if (code !== 0) {
    console.error("Set-up failed: pnpm could not install the locked packages. The lines above say why.");
    process.exit(code);
  }
  writeFileSync(stamp, want);
}
