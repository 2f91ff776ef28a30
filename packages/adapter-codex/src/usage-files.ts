/**
 * Reads the tokens that Codex writes to its session file. On stdout, Codex prints tokens only at the end of a turn, and
 * none if the turn fails or is cut off. To the file, it writes them after each response: a `token_usage_record` per
 * response, and later `token_count` with the totals of the session.
 */
import { join } from "node:path";
import { unknownUsage, type Usage, type UsageFiles, type UsageReader } from "@agentcore/contract";
import {
  addUsage,
  countAt,
  objectAt,
  parseJsonLine,
  stringAt,
  sumUsage,
  type JsonObject,
} from "@agentcore/worker-kit";
import { usageOf } from "./usage.ts";

export const codexUsageFiles: UsageFiles = {
  directory: ({ CODEX_HOME, HOME = "/" }) => join(CODEX_HOME ?? join(HOME, ".codex"), "sessions"),
  // sessions/2026/11/29/rollout-….jsonl
  depth: 3,
  // The run's own HOME contains only the run and its sub-agents; the user's HOME contains all earlier sessions.
  belongs: (name, { home, session }) =>
    /^rollout-.*\.jsonl$/.test(name) &&
    (home === "own" || (session !== null && name.endsWith(`-${session}.jsonl`))),
  createReader: () => new RolloutReader(),
};

/** Maximum of responses that are distinguished. A session copied to a sub-agent's file contains its responses a second time. */
const answersMax = 100_000;

/** The start of a line has its kind. */
const kindCharsMax = 200;

class RolloutReader implements UsageReader {
  readonly #answers = new Set<string>();
  #ofAnswers = unknownUsage;
  /** The growth of each file's totals, for versions that write no records. */
  readonly #ofFiles = new Map<string, { readonly before: Usage; total: Usage }>();
  #model: string | null = null;

  line(file: string, text: string): void {
    const start = text.slice(0, kindCharsMax);
    if (start.includes('"token_usage_record"')) this.#answer(parseJsonLine(text));
    else if (start.includes('"token_count"')) this.#count(file, parseJsonLine(text));
    else if (start.includes('"turn_context"')) {
      this.#model ??= stringAt(objectAt(parseJsonLine(text), "payload"), "model");
    }
  }

  usage(): Usage | null {
    if (this.#answers.size > 0) return this.#ofAnswers;
    if (this.#ofFiles.size === 0) return null;
    return sumUsage([...this.#ofFiles.values()].map(({ before, total }) => minus(total, before)));
  }

  model(): string | null {
    return this.#model;
  }

  #answer(line: JsonObject | null): void {
    const payload = objectAt(line, "payload");
    const id = stringAt(payload, "response_id");
    const usage = objectAt(payload, "usage");
    if (id === null || usage === null || this.#answers.has(id) || this.#answers.size >= answersMax) return;
    this.#answers.add(id);
    this.#ofAnswers = addUsage(this.#ofAnswers, usageOf(usage));
  }

  #count(file: string, line: JsonObject | null): void {
    const info = objectAt(line, "payload", "info");
    const total = objectAt(info, "total_token_usage");
    if (total === null || countAt(total, "input_tokens") === null) return;
    const last = usageOf(objectAt(info, "last_token_usage"));
    const known = this.#ofFiles.get(file);
    if (known === undefined)
      this.#ofFiles.set(file, { before: minus(usageOf(total), last), total: usageOf(total) });
    else known.total = usageOf(total);
  }
}

function minus(a: Usage, b: Usage): Usage {
  const field = (name: keyof Usage) => (a[name] === null ? null : Math.max(0, a[name] - (b[name] ?? 0)));
  return {
    inputTokens: field("inputTokens"),
    cachedInputTokens: field("cachedInputTokens"),
    outputTokens: field("outputTokens"),
  };
}
