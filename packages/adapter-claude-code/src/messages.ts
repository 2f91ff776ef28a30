/**
 * Turns `assistant` and `user` lines into events: the model's text, its tool calls, and their results. Keeps a bounded list
 * of calls in flight, because a result names its call only by id.
 */
import { BoundedMap, unknownUsage, type Usage, type WorkerEvent } from "@agentcore/contract";
import {
  addUsage,
  arrayAt,
  booleanAt,
  countAt,
  isJsonObject,
  objectAt,
  oneLine,
  stringAt,
  textEvent,
  type JsonObject,
} from "@agentcore/worker-kit";
import { unavailableTool, type Denials } from "./denials.ts";
import { usageOf } from "./result-line.ts";

/** Maximum of calls in flight and of counted messages. */
const rememberedMax = 1000;

interface ToolCall {
  readonly tool: string;
  readonly path: string | null;
}

/** Tools that change the named file when they succeed. */
const editingTools = new Set(["Edit", "MultiEdit", "Write", "NotebookEdit"]);

export class ClaudeMessages {
  /** The model's last text. */
  lastText = "";
  readonly #denials: Denials;
  readonly #inFlight = new BoundedMap<string, ToolCall>(rememberedMax);
  /** Output tokens counted so far of recent messages, by their ids. */
  readonly #counted = new BoundedMap<string, number>(rememberedMax);
  /** The message that is being streamed, by the call of its agent. */
  readonly #streaming = new BoundedMap<string, string>(rememberedMax);
  #usage: Usage = unknownUsage;

  constructor(denials: Denials) {
    this.#denials = denials;
  }

  assistant(line: JsonObject): WorkerEvent[] {
    const message = objectAt(line, "message");
    const events: WorkerEvent[] = [];
    for (const part of arrayAt(message, "content")) {
      const type = stringAt(part, "type");
      if (type === "text") events.push(...this.#text(line, stringAt(part, "text") ?? ""));
      else if (type === "tool_use" && isJsonObject(part)) events.push(this.#toolCall(part));
      else if (type === "thinking") events.push({ type: "progress", text: "thinking" });
    }
    const usage = this.#countUsage(message);
    return usage === null ? events : [...events, usage];
  }

  user(line: JsonObject): WorkerEvent[] {
    return arrayAt(line, "message", "content").flatMap((part) =>
      stringAt(part, "type") === "tool_result" && isJsonObject(part) ? this.#toolResult(part, line) : [],
    );
  }

  /** Claude Code prints its own error messages as text of the model, too. */
  #text(line: JsonObject, text: string): WorkerEvent[] {
    if (text === "") return [];
    if (booleanAt(line, "is_api_error_message") === true)
      return [{ type: "progress", text: oneLine(text, 500) }];
    this.lastText = text;
    return [textEvent(text)];
  }

  #toolCall(part: JsonObject): WorkerEvent {
    const id = stringAt(part, "id") ?? "";
    const tool = stringAt(part, "name") ?? "unknown";
    const input = objectAt(part, "input");
    const command = tool.toLowerCase() === "bash" ? stringAt(input, "command") : null;
    const path = stringAt(input, "file_path") ?? stringAt(input, "notebook_path");
    this.#inFlight.set(id, { tool, path });
    return {
      type: "tool_call",
      id,
      tool,
      summary: oneLine(command ?? path ?? JSON.stringify(input ?? {})),
      ...(command === null ? {} : { command }),
      ...(path === null ? {} : { path }),
    };
  }

  #toolResult(part: JsonObject, line: JsonObject): WorkerEvent[] {
    const id = stringAt(part, "tool_use_id") ?? "";
    const call = this.#inFlight.get(id);
    this.#inFlight.delete(id);
    const text = resultText(part);
    const ok = booleanAt(part, "is_error") !== true;
    const exitCode = call?.tool === "Bash" ? exitCodeOf(ok, text) : null;
    const events: WorkerEvent[] = [{ type: "tool_result", id, ok, exitCode, summary: oneLine(text, 500) }];
    const refused = ok ? null : unavailableTool(text);
    if (refused !== null) events.push(this.#denials.add(refused, text));
    const edited = ok && call !== undefined && editingTools.has(call.tool) ? call.path : null;
    if (edited !== null) {
      const created = stringAt(line, "tool_use_result", "type") === "create";
      events.push({ type: "file_change", path: edited, change: created ? "create" : "modify" });
    }
    return events;
  }

  /**
   * With partial messages, the only place with the tokens of a response: its input at the start, its output at the end. The
   * total is emitted when a response has ended, so it grows by one response at a time.
   */
  stream(line: JsonObject): WorkerEvent[] {
    const event = objectAt(line, "event");
    const agent = stringAt(line, "parent_tool_use_id") ?? "";
    const type = stringAt(event, "type");
    if (type === "message_start") {
      const message = objectAt(event, "message");
      this.#countUsage(message);
      this.#streaming.set(agent, stringAt(message, "id") ?? "");
    }
    if (type !== "message_delta") return [];
    const id = this.#streaming.get(agent) ?? "";
    const counted = this.#counted.get(id);
    const outputTokens = countAt(event, "usage", "output_tokens");
    if (counted === undefined || outputTokens === null || outputTokens < counted) return [];
    this.#counted.set(id, outputTokens);
    const more = { inputTokens: null, cachedInputTokens: null, outputTokens: outputTokens - counted };
    this.#usage = addUsage(this.#usage, more);
    return [{ type: "usage", usage: this.#usage, costUsd: null }];
  }

  /**
   * The run's tokens so far. A message has several lines with the same id, and none has its final output count, so this is
   * a lower bound until the result line, or until the end of the message if it is streamed.
   */
  #countUsage(message: JsonObject | null): WorkerEvent | null {
    const id = stringAt(message, "id");
    if (id === null || this.#counted.has(id)) return null;
    const usage = usageOf(objectAt(message, "usage"));
    this.#counted.set(id, usage.outputTokens ?? 0);
    if ((usage.inputTokens ?? 0) + (usage.cachedInputTokens ?? 0) === 0) return null;
    this.#usage = addUsage(this.#usage, usage);
    return { type: "usage", usage: this.#usage, costUsd: null };
  }

  usageSoFar(): Usage {
    return this.#usage;
  }
}

function resultText(part: JsonObject): string {
  const content = stringAt(part, "content");
  if (content !== null) return content;
  return arrayAt(part, "content")
    .map((each) => stringAt(each, "text") ?? "")
    .filter((text) => text !== "")
    .join("\n");
}

function exitCodeOf(ok: boolean, text: string): number | null {
  if (ok) return 0;
  const code = /^Exit code (\d{1,3})\b/.exec(text)?.[1];
  return code === undefined ? null : Number(code);
}
