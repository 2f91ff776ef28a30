/** Version of this package, read from its manifest: the same for the source, the compiled files and the bundle. */
import { readFileSync } from "node:fs";
import { ifMissing } from "@agentcore/contract";

export function packageVersion(): string {
  for (let directory = new URL("./", import.meta.url); ; directory = new URL("../", directory)) {
    const manifest = readManifest(new URL("package.json", directory));
    if (manifest?.name === "agentcore" && manifest.version !== undefined) return manifest.version;
    if (directory.pathname === "/") return "unknown";
  }
}

function readManifest(url: URL): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(url, "utf8")) as { name?: string; version?: string };
  } catch (error) {
    return ifMissing(undefined)(error);
  }
}
