/** Where a setting stands in the configuration file: evidence names it as a path, people need a line. */
import { parseYaml } from "@agentcore/yaml-file";
import { readFileSync } from "node:fs";
import type { LoadedConfig } from "./load.ts";

/** `agentcore.yaml:12` for a setting that is written there; null for one that has its default. */
export async function createSettingPlaces(loaded: LoadedConfig): Promise<(setting: string) => string | null> {
  const { path } = loaded;
  if (path === null) return () => null;
  const source = await parseYaml(readFileSync(path, "utf8"));
  if (!source.ok) return () => null;
  return (setting) => {
    const keys = setting.split(".");
    if (!isWritten(source.value, keys)) return null;
    return `${path}:${source.placeOfKey(keys).line}`;
  };
}

function isWritten(value: unknown, keys: readonly string[]): boolean {
  let at = value;
  for (const key of keys) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as Record<string, unknown>)[key];
  }
  return true;
}
