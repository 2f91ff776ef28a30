/**
 * Three scripted models for the example `implement-review-fix.yaml`: one writes a module with a mistake and puts it right when
 * a review says so, one reviews, one writes it up. What each answers follows from the files in the workspace and from how far
 * its conversation has come, as with a real model, so a conversation that is begun again after a kill gets fitting answers.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ignore } from "@agentcore/contract";
import type { ModelRequest, Script, Turn, Usage } from "@agentcore/model-server";

export const task = "Write slug.mjs, which exports slug(title): lower case, words joined by hyphens.";

const wrongLine = "title.split(/\\s+/).join('-')";
const rightLine = "title.toLowerCase().split(/\\s+/).join('-')";
const moduleOf = (line: string): string => `export const slug = (title) =>\n  ${line};\n`;

/** Files of the workspace at the end, with their text. */
export const filesInTheEnd: Readonly<Record<string, string>> = {
  "slug.mjs": moduleOf(rightLine),
  "CHANGES.md": "slug.mjs makes slugs of titles, in lower case.\n",
};

/** What every answer of every model reports. */
const usage: Usage = { inputTokens: 1000, cachedInputTokens: 500, outputTokens: 100 };
export const tokensEach = 1600;

/** Answers that one undisturbed conversation takes. */
export const answersOf = { implement: 2, review: 2, fix: 3, write: 2 } as const;

export function implementer(workspace: string): Script {
  const path = join(workspace, "slug.mjs");
  return said((position) => {
    if (readIfThere(join(workspace, "review.txt")) === null) {
      if (position > 0) return { text: "Written." };
      return { toolCall: { name: "write_file", input: { path, content: moduleOf(wrongLine) } } };
    }
    // Claude Code changes only what it has read in the same conversation.
    if (position === 0) return { toolCall: { name: "Read", input: { file_path: path } } };
    if (isRight(workspace)) return { text: "It is in lower case now." };
    return { toolCall: { name: "edit_file", input: { path, oldText: wrongLine, newText: rightLine } } };
  });
}

export function reviewer(workspace: string): Script {
  return said((position) => {
    if (position > 0) return { text: "Reviewed." };
    const decision = isRight(workspace)
      ? { decision: "complete", reasons: [], fingerprints: [] }
      : { decision: "incomplete", reasons: ["capitals stay as they are"], fingerprints: ["case"] };
    const input = { path: join(workspace, "review.txt"), content: `${JSON.stringify(decision)}\n` };
    return { toolCall: { name: "write_file", input } };
  });
}

export function writer(workspace: string): Script {
  return said((position) => {
    if (position > 0) return { text: "Written up." };
    const content = filesInTheEnd["CHANGES.md"] ?? "";
    return { toolCall: { name: "write_file", input: { path: join(workspace, "CHANGES.md"), content } } };
  });
}

/** Tool results that the conversation holds so far: 0 for its first request. */
export function positionOf({ messages }: ModelRequest): number {
  const text = JSON.stringify(messages);
  const marks = /"type":"(tool_result|function_call_output|custom_tool_call_output)"|"role":"tool"/g;
  return text.match(marks)?.length ?? 0;
}

function said(turnAt: (position: number) => Turn): Script {
  return (request) => ({ ...turnAt(positionOf(request)), usage });
}

function isRight(workspace: string): boolean {
  return readIfThere(join(workspace, "slug.mjs"))?.includes(rightLine) ?? false;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    ignore(error, "not written yet");
    return null;
  }
}
