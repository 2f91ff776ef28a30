/** Collects the tools that were refused in a run, each once, as events and for the report. Bounded. */
import type { WorkerEvent } from "@agentcore/contract";
import { oneLine } from "@agentcore/worker-kit";

const toolsMax = 100;

/** Tools that are absent because the task's capabilities exclude them, not because the model invented them. */
const governedTools = new Set(
  "bash edit multiedit write notebookedit read glob grep task agent monitor webfetch websearch".split(" "),
);

/** The tool that a result reports as not offered; null for any other result. */
export function unavailableTool(resultText: string): string | null {
  const head = resultText.slice(0, 300);
  const tool = /No such tool available: ([\w-]{1,100})/.exec(head)?.[1];
  if (tool === undefined) return null;
  return governedTools.has(tool.toLowerCase()) || head.includes("is disabled for this session") ? tool : null;
}

export class Denials {
  readonly #tools = new Set<string>();

  /** The event of a refusal that was not reported yet in this form. */
  add(tool: string, text: string): WorkerEvent {
    this.note(tool);
    return { type: "denied", tool, text: oneLine(text, 500) };
  }

  note(tool: string): void {
    if (this.#tools.size < toolsMax) this.#tools.add(tool);
  }

  tools(): string[] {
    return [...this.#tools];
  }
}
