/**
 * Turns Codex's `item.*` lines into events. An item is one action of the model: text, thought, command, change, search. It
 * starts, may be updated, and completes; some kinds only complete. Keeps a bounded list of started items.
 */
import { omitUndefined, type WorkerEvent } from "@agentcore/contract";
import {
  arrayAt,
  isJsonObject,
  objectAt,
  oneLine,
  stringAt,
  textEvent,
  valueAt,
  type JsonObject,
} from "@agentcore/worker-kit";
import { innerCommand } from "./shell-command.ts";

const startedMax = 1000;

const changes: Readonly<Record<string, "create" | "modify" | "delete">> = {
  add: "create",
  update: "modify",
  delete: "delete",
};

/** The tool of a tool item and its target. */
interface Call {
  readonly tool: string;
  readonly summary: string;
  readonly command?: string;
  readonly path?: string;
}

export class CodexItems {
  /** The model's last text. */
  lastText = "";
  /** Commands that ended with exit code 0. */
  commandsSucceeded = 0;
  readonly #started = new Set<string>();
  readonly #onDenied: (tool: string, text: string) => WorkerEvent;

  constructor(onDenied: (tool: string, text: string) => WorkerEvent) {
    this.#onDenied = onDenied;
  }

  started(item: JsonObject): WorkerEvent[] | null {
    const call = callOf(item);
    return call === null ? this.#spoken(item) : [this.#begin(idOf(item), call)];
  }

  completed(item: JsonObject): WorkerEvent[] | null {
    const call = callOf(item);
    if (call === null) return this.#spoken(item);
    const id = idOf(item);
    const events = this.#started.delete(id) ? [] : [this.#begin(id, call)];
    this.#started.delete(id);
    return [...events, ...this.#end(id, call, item)];
  }

  #begin(id: string, call: Call): WorkerEvent {
    if (this.#started.size < startedMax) this.#started.add(id);
    return { type: "tool_call", id, ...call };
  }

  #end(id: string, call: Call, item: JsonObject): WorkerEvent[] {
    const exit = valueAt(item, "exit_code");
    const exitCode = typeof exit === "number" && Number.isSafeInteger(exit) ? exit : null;
    const status = stringAt(item, "status");
    const ok = status !== "failed" && status !== "declined" && (exitCode ?? 0) === 0;
    if (call.command !== undefined && exitCode === 0) this.commandsSucceeded += 1;
    const output = stringAt(item, "aggregated_output") ?? stringAt(item, "error", "message") ?? "";
    const result: WorkerEvent = { type: "tool_result", id, ok, exitCode, summary: oneLine(output, 500) };
    const denied = status === "declined" ? [this.#onDenied(call.tool, call.summary)] : [];
    return [result, ...denied, ...(ok ? fileChanges(item) : [])];
  }

  /** Items with text: of the model, its thoughts, its plan, or a warning of Codex. */
  #spoken(item: JsonObject): WorkerEvent[] | null {
    switch (stringAt(item, "type")) {
      case "agent_message": {
        const text = stringAt(item, "text") ?? "";
        if (text === "") return [];
        this.lastText = text;
        return [textEvent(text)];
      }
      case "reasoning":
      case "plan":
        return [{ type: "progress", text: oneLine(stringAt(item, "text") ?? "thinking") }];
      case "error":
        return [{ type: "progress", text: oneLine(stringAt(item, "message") ?? "a warning", 500) }];
      case "todo_list":
        return [{ type: "progress", text: todoProgress(item) }];
      default:
        return null;
    }
  }
}

function idOf(item: JsonObject): string {
  return stringAt(item, "id") ?? "";
}

function callOf(item: JsonObject): Call | null {
  switch (stringAt(item, "type")) {
    case "command_execution": {
      const command = innerCommand(stringAt(item, "command") ?? "");
      return { tool: "shell", summary: oneLine(command), command };
    }
    case "file_change": {
      const paths = arrayAt(item, "changes").flatMap((change) => stringAt(change, "path") ?? []);
      const path = paths[0];
      return {
        tool: "apply_patch",
        summary: oneLine(paths.join(", ")),
        ...omitUndefined({ path }),
      };
    }
    case "mcp_tool_call": {
      const tool = `${stringAt(item, "server") ?? "mcp"}.${stringAt(item, "tool") ?? "unknown"}`;
      return { tool, summary: oneLine(JSON.stringify(objectAt(item, "arguments") ?? {})) };
    }
    case "web_search":
      return { tool: "web_search", summary: oneLine(stringAt(item, "query") ?? "") };
    case "collab_tool_call":
      return { tool: stringAt(item, "tool") ?? "agent", summary: oneLine(stringAt(item, "prompt") ?? "") };
    default:
      return null;
  }
}

function fileChanges(item: JsonObject): WorkerEvent[] {
  return arrayAt(item, "changes").flatMap((each) => {
    const path = stringAt(each, "path");
    const change = changes[stringAt(each, "kind") ?? ""];
    return path === null || change === undefined ? [] : [{ type: "file_change" as const, path, change }];
  });
}

function todoProgress(item: JsonObject): string {
  const items = arrayAt(item, "items").filter(isJsonObject);
  const done = items.filter((each) => each["completed"] === true).length;
  return `to-do list: ${done} of ${items.length} done`;
}
