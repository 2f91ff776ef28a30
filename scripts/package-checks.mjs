// Packs every published package as a user would get it and checks the tarball: publint for its exports and files,
// attw for what TypeScript makes of its types. The first problem of each is printed with its name. Packing must leave the
// checkout as it was, for the commands that run in it meanwhile.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execaSync } from "execa";
import { pack } from "./pack.mjs";
import { root, toolEnv } from "./process.mjs";

const folder = mkdtempSync(join(tmpdir(), "agentcore-pack-"));
const failures = [];

function check(name, command, args) {
  const { failed, message } = execaSync(command, args, { env: toolEnv(), reject: false });
  if (!failed) return;
  failures.push(name);
  console.error(`${name}: ${message}`);
}

/** Every file of the dist folders, with the time of its last change. */
function distFiles() {
  const folders = ["packages", "apps"]
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name, "dist")))
    .filter((dist) => existsSync(dist));
  const files = folders.flatMap((dist) =>
    readdirSync(dist, { recursive: true }).map((file) => join(dist, file)),
  );
  return files.map((file) => `${file} ${statSync(file).ctimeMs}`).toSorted();
}

function contentsOf(tarball) {
  return execaSync("tar", ["-tf", tarball]).stdout.split("\n");
}

try {
  const before = distFiles();
  const packed = pack(folder);
  const changed = distFiles().filter((file) => !before.includes(file));
  if (changed.length > 0)
    throw new Error(`packing changed the checkout: ${changed.slice(0, 3).join(", ")} …`);
  const left = readdirSync(folder).filter((name) => !name.endsWith(".tgz"));
  if (left.length > 0) throw new Error(`packing left ${left.join(", ")}`);
  for (const { name, tarball } of packed) {
    const contents = contentsOf(tarball);
    if (!contents.includes("package/dist/index.js"))
      throw new Error(`${name} was packed without its dist folder`);
    if (contents.some((file) => file.includes(".test.")))
      throw new Error(`${name} was packed with its tests`);
    if (name === "agentcore" && !contents.includes("package/dist/page/index.html"))
      throw new Error(`${name} was packed without the page of the daemon`);
    check(name, "publint", ["run", "--strict", tarball]);
    if (name !== "agentcore") check(name, "attw", [tarball, "--profile", "esm-only"]);
    console.log(`${name}: checked`);
  }
} catch (error) {
  failures.push(error);
  console.error(error.message);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures.length === 0 ? 0 : 1;
