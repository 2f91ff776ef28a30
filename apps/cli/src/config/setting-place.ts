/** Finds the line of a setting in the configuration file: evidence names the setting by its path, users need a line. */
import { parseYaml } from "@agentcore/yaml-file";
import type { LoadedConfig } from "./load.ts";

/** `agentcore.yaml:12` for a setting in the file; null for one that has its default. */
export async function createSettingPlaces(loaded: LoadedConfig): Promise<(setting: string) => string | null> {
  if (loaded.source === null) return () => null;
  const { path, text } = loaded.source;
  const source = await parseYaml(text);
  if (!source.ok) return () => null;
  const places = await source.places();
  return (setting) => {
    const keys = setting.split(".");
    if (!isWritten(source.value, keys) || isIgnored(loaded, setting)) return null;
    return `${path}:${places.placeOfKey(keys).line}`;
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

function isIgnored({ ignored }: LoadedConfig, setting: string): boolean {
  return ignored.some((path) => setting === path || setting.startsWith(`${path}.`));
}
