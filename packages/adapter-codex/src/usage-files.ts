/**
 * Codex prints its tokens at the end of a turn only, and none where the turn fails or is cut off. It writes those of each answer
 * to the file of its session at once: a `token_usage_record` by answer, and later `token_count` with the totals of the session.
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
  // In a HOME of its own there is nothing but the run and its sub-agents; the user's holds all that the user ever ran.
  belongs: (name, { home, session }) =>
    /^rollout-.*\.jsonl$/.test(name) &&
    (home === "own" || (session !== null && name.endsWith(`-${session}.jsonl`))),
  createReader: () => new RolloutReader(),
};

/** Answers told apart; a session copied to a sub-agent's file holds its answers a second time. */
const answersMax = 100_000;

/** The kind of a line stands at its beginning. */
const kindCharsMax = 200;

class RolloutReader implements UsageReader {
  readonly #answers = new Set<string>();
  #ofAnswers = unknownUsage;
  /** What each file's totals grew by, for versions that write no records. */
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
