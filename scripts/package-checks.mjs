// Packs every published package as a user would get it and checks the tarball: publint for its exports and files,
// attw for what TypeScript makes of its types. The first problem of each is printed with its name.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execaSync } from "execa";
import { pack } from "./pack.mjs";
import { toolEnv } from "./process.mjs";

const folder = mkdtempSync(join(tmpdir(), "agentcore-pack-"));
const failures = [];

function check(name, command, args) {
  const { failed, message } = execaSync(command, args, { env: toolEnv(), reject: false });
  if (!failed) return;
  failures.push(name);
  console.error(`${name}: ${message}`);
}

try {
  for (const { name, tarball } of pack(folder)) {
    check(name, "publint", ["run", "--strict", tarball]);
    if (name !== "agentcore") check(name, "attw", [tarball, "--profile", "esm-only"]);
    console.log(`${name}: checked`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures.length === 0 ? 0 : 1;
