/** This package, found by its manifest: the same for the source, the compiled files and the bundle. */
import { readFileSync } from "node:fs";
import { ifMissing } from "@agentcore/contract";

interface Manifest {
  readonly name?: string;
  readonly version?: string;
}

interface FoundPackage {
  /** With a slash at its end. */
  readonly root: URL;
  readonly version: string;
}

export const packageVersion = (): string => findPackage()?.version ?? "unknown";

/** Null: this program was moved out of its package. */
export function findPackage(): FoundPackage | null {
  for (let root = new URL("./", import.meta.url); ; root = new URL("../", root)) {
    const manifest = readManifest(new URL("package.json", root));
    if (manifest?.name === "agentcore" && manifest.version !== undefined) {
      return { root, version: manifest.version };
    }
    if (root.pathname === "/") return null;
  }
}

export function readManifest(url: URL): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(url, "utf8")) as Manifest;
  } catch (error) {
    return ifMissing(undefined)(error);
  }
}
