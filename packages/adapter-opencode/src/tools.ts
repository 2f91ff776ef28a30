/**
 * Turns `tool_use` lines into events. OpenCode prints a tool once, when it has ended, so call and result come together; how
 * long a tool is already running cannot be seen.
 */
import type { WorkerEvent } from "@agentcore/contract";
import { booleanAt, numberAt, objectAt, oneLine, stringAt, type JsonObject } from "@agentcore/worker-kit";

export interface ToolUse {
  readonly events: readonly WorkerEvent[];
  /** The tool, if it was refused. */
  readonly denied: { readonly tool: string; readonly text: string } | null;
}

/** Tools that are absent because the task's capabilities exclude them, not because the model invented them. */
const governedTools = new Set(
  "bash edit write multiedit patch apply_patch webfetch websearch read glob grep".split(" "),
);

export function readToolUse(line: JsonObject): ToolUse {
  const called = calledTool(line);
  const { tool, input, text, ok } = called;
  const events = [callOf(called), resultOf(called)];
  return ok
    ? { events: [...events, ...changesOf(called)], denied: null }
    : { events, denied: refusal(tool, input, text) };
}

/** What a line says of a call, where the fields have the types that OpenCode gives them. */
interface CalledTool {
  readonly id: string;
  readonly tool: string;
  readonly input: JsonObject | null;
  readonly state: JsonObject | null;
  /** Of the shell's tool only. */
  readonly command: string | null;
  readonly path: string | null;
  readonly text: string;
  readonly ok: boolean;
}

function calledTool(line: JsonObject): CalledTool {
  const part = objectAt(line, "part");
  const state = objectAt(part, "state");
  const input = objectAt(state, "input");
  const tool = stringAt(part, "tool") ?? "unknown";
  return {
    id: stringAt(part, "callID") ?? stringAt(part, "id") ?? "",
    tool,
    input,
    state,
    command: tool === "bash" ? stringAt(input, "command") : null,
    path: stringAt(input, "filePath"),
    text: stringAt(state, "error") ?? stringAt(state, "output") ?? "",
    ok: stringAt(state, "status") === "completed" && tool !== "invalid",
  };
}

function callOf({ id, tool, input, state, command, path }: CalledTool): WorkerEvent {
  return {
    type: "tool_call",
    id,
    tool,
    summary: oneLine(command ?? path ?? stringAt(state, "title") ?? JSON.stringify(input ?? {})),
    ...(command === null ? {} : { command }),
    ...(path === null ? {} : { path }),
  };
}

function resultOf({ id, state, command, text, ok }: CalledTool): WorkerEvent {
  const exit = command === null ? null : numberAt(state, "metadata", "exit");
  const exitCode = exit !== null && Number.isSafeInteger(exit) ? exit : null;
  return {
    type: "tool_result",
    id,
    ok: ok && (exitCode ?? 0) === 0,
    exitCode,
    summary: oneLine(text, 500),
  };
}

function changesOf({ tool, path, input, state }: CalledTool): WorkerEvent[] {
  if (tool === "apply_patch" || tool === "patch") return patchedFiles(stringAt(input, "patchText") ?? "");
  if (path === null || !["write", "edit", "multiedit"].includes(tool)) return [];
  const created = tool === "write" && booleanAt(state, "metadata", "exists") === false;
  return [{ type: "file_change", path, change: created ? "create" : "modify" }];
}

const patchChanges = { Add: "create", Update: "modify", Delete: "delete" } as const;

/** The files that a patch in the `*** Begin Patch` form names. */
function patchedFiles(patch: string): WorkerEvent[] {
  return [...patch.matchAll(/^\*\*\* (Add|Update|Delete) File: (.+)$/gm)].map((match) => ({
    type: "file_change",
    path: (match[2] ?? "").trim(),
    change: patchChanges[match[1] as keyof typeof patchChanges],
  }));
}

function refusal(
  tool: string,
  input: JsonObject | null,
  text: string,
): { readonly tool: string; readonly text: string } | null {
  if (/rule which prevents you|rejected permission/.test(text)) return { tool, text };
  const asked = tool === "invalid" ? stringAt(input, "tool") : null;
  const unavailable = asked !== null && text.includes("unavailable tool") && governedTools.has(asked);
  return unavailable ? { tool: asked, text } : null;
}
