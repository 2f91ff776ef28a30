/**
 * Collects what a worker reports in its events: commands with exit codes, and files that it claims to have changed.
 * Bounded: the last entry counts what did not fit. Command texts are cut for people; the log has them in full.
 */
import { isAbsolute, relative, resolve } from "node:path";
import type { CommandObservation, WorkerEvent } from "@agentcore/contract";
import { boundedText } from "../event-text.ts";

/** Longest command text kept. */
const commandCharsMax = 4000;
/** No system has longer paths, so a longer text is not a file name. */
const pathCharsMax = 4096;

export interface ActivityLog {
  add(event: WorkerEvent): void;
  commands(): readonly CommandObservation[];
  /** Paths in the workspace, relative to it, in the order of their first mention. */
  claimedFiles(): readonly string[];
}

export function createActivityLog(workspace: string, commandsMax: number): ActivityLog {
  const commands: { command: string; exitCode: number | null }[] = [];
  const inFlight = new Map<string, { command: string; exitCode: number | null }>();
  const claimed = new Set<string>();
  let dropped = 0;

  function addCommand(id: string, text: string): void {
    if (commands.length >= commandsMax) {
      dropped += 1;
      return;
    }
    const { text: kept, truncated } = boundedText(text, commandCharsMax);
    const command = { command: truncated === true ? `${kept}…` : kept, exitCode: null };
    commands.push(command);
    inFlight.set(id, command);
  }

  return {
    add(event) {
      if (event.type === "tool_call" && event.command !== undefined) addCommand(event.id, event.command);
      else if (event.type === "tool_result") {
        const command = inFlight.get(event.id);
        if (command !== undefined) command.exitCode = event.exitCode;
        inFlight.delete(event.id);
      } else if (
        event.type === "file_change" &&
        claimed.size < commandsMax &&
        event.path.length <= pathCharsMax
      ) {
        const path = relative(workspace, resolve(workspace, event.path));
        if (path !== "" && path !== ".." && !path.startsWith("../") && !isAbsolute(path)) claimed.add(path);
      }
    },
    commands() {
      if (dropped === 0) return commands;
      return [...commands, { command: `… and ${dropped} more commands, see the log`, exitCode: null }];
    },
    claimedFiles: () => [...claimed],
  };
}
