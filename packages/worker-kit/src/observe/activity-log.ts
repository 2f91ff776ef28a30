/**
 * What a worker said it did, gathered from its events: commands with their exit codes, and files it claims to have
 * changed. Bounded; what does not fit is counted and named in the last entry. Command texts are cut for people to read:
 * the log has the whole.
 */
import { isAbsolute, relative, resolve } from "node:path";
import type { CommandObservation, WorkerEvent } from "@agentcore/contract";
import { boundedText } from "../event-text.ts";

/** Longest command text kept. */
const commandCharsMax = 4000;
/** No system has longer paths; what is longer names no file. */
const pathCharsMax = 4096;

export interface ActivityLog {
  add(event: WorkerEvent): void;
  commands(): readonly CommandObservation[];
  /** Paths below the workspace, relative to it, in the order of their first mention. */
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
