/**
 * Says which configuration is in effect and which of its settings are ignored, once per process: as a line on stderr, or as
 * an event if the output is JSON. Without a configuration, it says nothing.
 */
import type { ConfigurationEvent } from "@agentcore/contract";
import type { Io } from "../io.ts";
import { oneLine } from "../screen/text.ts";
import type { LoadedConfig } from "./load.ts";

/**
 * `always`: even if the whole file applies. `events`: the output is JSON events. For other commands, report only ignored parts.
 */
export type Announcement = "always" | "events" | "exceptions";

const announced = new WeakSet<Io>();

export function announceConfig(loaded: LoadedConfig, io: Io, how: Announcement): void {
  const { source, ignored, refused } = loaded;
  const isException = ignored.length > 0 || refused !== null;
  if (announced.has(io) || (source === null && !isException)) return;
  if (how === "exceptions" && !isException) return;
  announced.add(io);
  if (how === "events") {
    const event: ConfigurationEvent = {
      type: "configuration",
      path: source?.path ?? null,
      standing: source?.standing ?? null,
      ignored: [...ignored],
      refused,
    };
    io.stdout.json(event);
  } else io.stderr.write(`agentcore: ${oneLine(configNotice(loaded) ?? "")}\n`);
}

/** One sentence; null if there is no configuration. */
function configNotice({ source, ignored, refused }: LoadedConfig): string | null {
  if (refused !== null) return `ignored ${refused.path}: ${refused.reason}`;
  if (source === null) return null;
  const { path, standing } = source;
  switch (standing) {
    case "named":
      return `configuration ${path} (named)`;
    case "trusted":
      return `configuration ${path}, trusted`;
    case "untrusted":
      return ignored.length === 0
        ? `configuration ${path}, which only sets limits`
        : `configuration ${path} is not trusted, so these settings are ignored: ${ignored.join(", ")}. If you trust it, run: agentcore trust ${path}`;
  }
}
