import { describe, expect, it } from "vitest";
import type { OfferedTool, ProtocolName } from "./request.ts";
import type { NeutralToolCall } from "./script.ts";
import { mapToolCall } from "./tool-names.ts";

const shell: NeutralToolCall = { name: "shell", input: { command: "ls" } };
const write: NeutralToolCall = { name: "write_file", input: { path: "/w/a.txt", content: "one\ntwo\n" } };
const edit: NeutralToolCall = {
  name: "edit_file",
  input: { path: "/w/a.txt", oldText: "one", newText: "uno" },
};
const addPatch = "*** Begin Patch\n*** Add File: /w/a.txt\n+one\n+two\n*** End Patch\n";

function tool(name: string, type: OfferedTool["type"] = "function", properties: string[] = []): OfferedTool {
  return { name, type, properties };
}

interface Case {
  readonly protocol: ProtocolName;
  readonly call: NeutralToolCall;
  readonly tools: readonly OfferedTool[];
  readonly expected: unknown;
}

const cases: readonly Case[] = [
  {
    protocol: "anthropic-messages",
    call: shell,
    tools: [tool("Bash")],
    expected: { type: "function", name: "Bash", input: { command: "ls", description: "run a command" } },
  },
  {
    protocol: "anthropic-messages",
    call: write,
    tools: [tool("Write")],
    expected: { type: "function", name: "Write", input: { file_path: "/w/a.txt", content: "one\ntwo\n" } },
  },
  {
    protocol: "anthropic-messages",
    call: edit,
    tools: [tool("Edit")],
    expected: {
      type: "function",
      name: "Edit",
      input: { file_path: "/w/a.txt", old_string: "one", new_string: "uno" },
    },
  },
  {
    protocol: "openai-chat",
    call: shell,
    tools: [tool("bash")],
    expected: { type: "function", name: "bash", input: { command: "ls", description: "run a command" } },
  },
  {
    protocol: "openai-chat",
    call: write,
    tools: [tool("write")],
    expected: { type: "function", name: "write", input: { filePath: "/w/a.txt", content: "one\ntwo\n" } },
  },
  {
    protocol: "openai-chat",
    call: edit,
    tools: [tool("edit")],
    expected: {
      type: "function",
      name: "edit",
      input: { filePath: "/w/a.txt", oldString: "one", newString: "uno" },
    },
  },
  {
    protocol: "openai-responses",
    call: shell,
    tools: [tool("exec_command")],
    expected: { type: "function", name: "exec_command", input: { cmd: "ls" } },
  },
  {
    protocol: "openai-responses",
    call: shell,
    tools: [tool("shell_command")],
    expected: { type: "function", name: "shell_command", input: { command: "ls" } },
  },
  {
    protocol: "openai-responses",
    call: shell,
    tools: [tool("shell")],
    expected: { type: "function", name: "shell", input: { command: ["bash", "-lc", "ls"] } },
  },
  {
    protocol: "openai-responses",
    call: write,
    tools: [tool("apply_patch", "custom")],
    expected: { type: "custom", name: "apply_patch", input: addPatch },
  },
  {
    protocol: "openai-responses",
    call: write,
    tools: [tool("apply_patch", "function", ["patch"])],
    expected: { type: "function", name: "apply_patch", input: { patch: addPatch } },
  },
  {
    protocol: "openai-responses",
    call: edit,
    tools: [tool("apply_patch", "custom")],
    expected: {
      type: "custom",
      name: "apply_patch",
      input: "*** Begin Patch\n*** Update File: /w/a.txt\n@@\n-one\n+uno\n*** End Patch\n",
    },
  },
];

describe("a neutral call becomes the client's own", () => {
  it.each(cases)("$call.name over $protocol with $tools.0.name", ({ protocol, call, tools, expected }) => {
    expect(mapToolCall(call, { protocol, tools })).toEqual(expected);
  });

  it("a tool that was not offered is called all the same, under the client's usual name", () => {
    expect(mapToolCall(shell, { protocol: "openai-chat", tools: [tool("read")] })).toMatchObject({
      name: "bash",
    });
  });

  it("a raw name and its input are passed on untouched", () => {
    const call = { name: "WebFetch", input: { url: "x" } };
    expect(mapToolCall(call, { protocol: "anthropic-messages", tools: [] })).toEqual({
      type: "function",
      ...call,
    });
  });
});
