/**
 * Puts the pinned peers where they can be imported from: a cache folder outside the workspace, because over a hundred
 * megabytes are not what everybody who builds the project should download. Done once for each set of pins.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Unavailable } from "./contender.ts";

const pins = join(import.meta.dirname, "..", "..", "peers");
const folder = join(import.meta.dirname, "..", "..", "..", "..", ".cache", "bench-peers");

/** Resolves names of packages among the installed peers. Throws {@link Unavailable} where they cannot be installed. */
export function installPeers(): NodeJS.Require {
  const wanted = `${readFileSync(join(pins, "package-lock.json"), "utf8")}${process.version}`;
  const marker = join(folder, "installed.txt");
  if (!existsSync(marker) || readFileSync(marker, "utf8") !== wanted) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const file of ["package.json", "package-lock.json"])
      copyFileSync(join(pins, file), join(folder, file));
    npmInstall();
    writeFileSync(marker, wanted);
  }
  return createRequire(join(folder, "package.json"));
}

function npmInstall(): void {
  // Without scripts: what they would do is either optional or done by hand (see pg-boss.ts).
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved=true"];
  try {
    execFileSync("npm", ["install", ...options], { cwd: folder, stdio: "pipe", timeout: 300_000 });
  } catch (error) {
    throw new Unavailable(`its packages could not be installed with npm: ${String(error).split("\n")[0]}`);
  }
}
