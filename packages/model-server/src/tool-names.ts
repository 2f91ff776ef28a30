/**
 * Maps the neutral tool calls of a script to the name and input that the client under test gives its own tool.
 * The tool is looked for among those the request offered, so the same script drives every client, also when a
 * release renames a tool for another one of this table. A tool that was not offered is called anyway, under the
 * first name of the table that the protocol's client is known for: that is how a script plays a model that insists.
 */
import type { MappedToolCall } from "./protocol.ts";
import type { Json, ModelRequest, OfferedTool, ProtocolName } from "./request.ts";
import type { NeutralToolCall } from "./script.ts";

type Kind = "shell" | "write_file" | "edit_file";
type Input = Readonly<Record<string, string>>;

/** One way in which some client offers a kind of tool. */
interface ToolForm {
  readonly tool: string;
  readonly protocol: ProtocolName;
  readonly input: (call: Input) => Json | string;
}

const forms: Readonly<Record<Kind, readonly ToolForm[]>> = {
  shell: [
    { tool: "Bash", protocol: "anthropic-messages", input: described },
    { tool: "bash", protocol: "openai-chat", input: described },
    { tool: "exec_command", protocol: "openai-responses", input: (call) => ({ cmd: call["command"] }) },
    { tool: "shell_command", protocol: "openai-responses", input: (call) => ({ command: call["command"] }) },
    {
      tool: "shell",
      protocol: "openai-responses",
      input: (call) => ({ command: ["bash", "-lc", call["command"]] }),
    },
  ],
  write_file: [
    {
      tool: "Write",
      protocol: "anthropic-messages",
      input: (call) => ({ file_path: call["path"], content: call["content"] }),
    },
    {
      tool: "write",
      protocol: "openai-chat",
      input: (call) => ({ filePath: call["path"], content: call["content"] }),
    },
    { tool: "apply_patch", protocol: "openai-responses", input: (call) => addFilePatch(call) },
  ],
  edit_file: [
    {
      tool: "Edit",
      protocol: "anthropic-messages",
      input: (call) => ({
        file_path: call["path"],
        old_string: call["oldText"],
        new_string: call["newText"],
      }),
    },
    {
      tool: "edit",
      protocol: "openai-chat",
      input: (call) => ({ filePath: call["path"], oldString: call["oldText"], newString: call["newText"] }),
    },
    { tool: "apply_patch", protocol: "openai-responses", input: (call) => updateFilePatch(call) },
  ],
};

/** Both Claude Code and OpenCode want a few words about the command beside it. */
function described(call: Input): Json {
  return { command: call["command"], description: "run a command" };
}

function lines(text: string, prefix: string): string {
  const body = text.endsWith("\n") ? text.slice(0, -1) : text;
  return body
    .split("\n")
    .map((line) => `${prefix}${line}`)
    .join("\n");
}

function addFilePatch(call: Input): string {
  const body = lines(call["content"] ?? "", "+");
  return `*** Begin Patch\n*** Add File: ${call["path"]}\n${body}\n*** End Patch\n`;
}

function updateFilePatch(call: Input): string {
  const removed = lines(call["oldText"] ?? "", "-");
  const added = lines(call["newText"] ?? "", "+");
  return `*** Begin Patch\n*** Update File: ${call["path"]}\n@@\n${removed}\n${added}\n*** End Patch\n`;
}

function isKind(name: string): name is Kind {
  return Object.hasOwn(forms, name);
}

/** The form whose tool was offered in this protocol, else the protocol's first. */
function chooseForm(
  kind: Kind,
  protocol: ProtocolName,
  offered: readonly OfferedTool[],
): ToolForm | undefined {
  const candidates = forms[kind].filter((form) => form.protocol === protocol);
  return candidates.find((form) => offered.some((tool) => tool.name === form.tool)) ?? candidates[0];
}

export function mapToolCall(
  call: NeutralToolCall,
  request: Pick<ModelRequest, "protocol" | "tools">,
): MappedToolCall {
  const form = isKind(call.name) ? chooseForm(call.name, request.protocol, request.tools) : undefined;
  const name = form?.tool ?? call.name;
  const input = form === undefined ? call.input : form.input(call.input as Input);
  const offered = request.tools.find((tool) => tool.name === name);
  if (typeof input !== "string") return { type: "function", name, input };
  // apply_patch takes the bare patch as a custom tool; as a function it takes it in its first property.
  if (offered?.type === "function") {
    return { type: "function", name, input: { [offered.properties[0] ?? "input"]: input } };
  }
  return { type: "custom", name, input };
}
