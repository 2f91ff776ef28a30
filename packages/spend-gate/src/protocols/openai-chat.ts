/**
 * OpenAI Chat Completions, which many other providers and local servers speak. The usage is in the last chunk, which has no
 * choices, and only if the request asked for it. Other servers put it into other chunks, and give some fields other names.
 */
import type { CallUsage } from "@agentcore/contract";
import type { JsonScalar } from "./json-scanner.ts";
import { divided, missingUsage, type ReportedField } from "./openai-usage.ts";
import { makeProtocol } from "./make-protocol.ts";
import type { CallRequest, MissingUsage } from "./protocol.ts";
import { askForUsage } from "./request-edits.ts";
import type { RequestFields } from "./request-reader.ts";
import { providerError, type UsageReader } from "./response-meter.ts";
import { hostedCallsMax, Tally } from "./tally.ts";

const fields: RequestFields = {
  maxOutput: ["/max_tokens", "/max_completion_tokens"],
  minOutput: 1,
  answers: "/n",
  speed: null,
  region: null,
  clientTools: /^(?:function|custom)$/,
  hosted: { "/web_search_options": "web_search", "/plugins": "plugins" },
  references: [
    { path: /\/image_url\/url$/, value: /^https?:/ },
    { path: /\/file\/file_id$/, value: /./ },
    { path: /\/file\/file_data$/, value: /^data:application\/pdf/ },
  ],
  refused: [],
};

/** They refuse `max_tokens`. The other servers that speak the protocol know it, and not all know the newer name. */
const newerModels = /^(?:openai\/)?(?:o[1-9]|gpt-[5-9])/;

export const openAiChat = makeProtocol({
  name: "openai-chat",
  fields,
  limitField: (model) => (newerModels.test(model ?? "") ? "max_completion_tokens" : "max_tokens"),
  withUsage: (body) => askForUsage(body, fields),
  reader: (request) => new ChatReader(request),
});

const reported: ReadonlyMap<string, ReportedField> = new Map([
  ["prompt_tokens", "input"],
  ["prompt_tokens_details/cached_tokens", "cacheRead"],
  ["prompt_cache_hit_tokens", "cacheRead"],
  ["cached_tokens", "cacheRead"],
  ["cache_read_input_tokens", "cacheRead"],
  ["prompt_tokens_details/cache_write_tokens", "cacheWrite"],
  ["prompt_tokens_details/cache_creation_tokens", "cacheWrite"],
  ["cache_creation_input_tokens", "cacheWrite"],
  ["completion_tokens", "output"],
  ["total_tokens", "total"],
  ["completion_tokens_details/reasoning_tokens", "reasoning"],
  ["server_tool_use/web_search_requests", "searches"],
  ["num_search_queries", "searches"],
  ["num_sources_used", "searches"],
]);
const usagePath = /^(?:\/choices\/\*|\/x_groq)?\/usage\/(.*)$/;
const visiblePath =
  /^\/choices\/\*\/(?:delta|message)\/(?:content|reasoning|reasoning_content|refusal|tool_calls\/\*\/(?:function|custom)\/(?:name|arguments|input))$/;

class ChatReader implements UsageReader {
  readonly #request: CallRequest | null;
  readonly #tally = new Tally<ReportedField>({ searches: hostedCallsMax });
  #serviceTier: string | null = null;
  #visibleBytes = 0;
  #isFinished = false;
  #isComplete = false;
  #error: string | null = null;

  /** Of the event that is being read. */
  #hasChoice = false;
  #hasUsage = false;
  #code: string | null = null;
  #message: string | null = null;

  constructor(request: CallRequest | null) {
    this.#request = request;
  }

  beginEvent(): void {
    this.#tally.discard();
    this.#hasChoice = false;
    this.#hasUsage = false;
    this.#code = null;
    this.#message = null;
  }

  scalar(path: string, scalar: JsonScalar): void {
    const [, inUsage] = usagePath.exec(path) ?? [];
    const field = inUsage === undefined ? undefined : reported.get(inUsage);
    if (field !== undefined) {
      this.#tally.take(field, scalar);
      this.#hasUsage = true;
    } else if (visiblePath.test(path)) this.#visibleBytes += scalar.bytes;
    else if (path === "/choices/*/finish_reason" && scalar.kind === "string") this.#isFinished = true;
    else if (path === "/service_tier" && scalar.kind === "string") this.#serviceTier = scalar.text;
    else if (path === "/error/code") this.#code = scalar.text;
    else if (path === "/error/message") this.#message = scalar.text;
  }

  close(path: string): void {
    if (path === "/choices/*") this.#hasChoice = true;
    if (path === "/error") this.#error ??= providerError(this.#code, this.#message);
  }

  endEvent(): void {
    this.#tally.commit();
    // Some servers report the input in such a chunk before the answer begins.
    if (this.#hasUsage && !this.#hasChoice && this.#isFinished) this.#isComplete = true;
  }

  endDocument(): void {
    this.#tally.commit();
  }

  done(): void {
    this.#isComplete = true;
  }

  usage(): CallUsage | null {
    if (!this.#tally.hasAny) return null;
    const of = (field: ReportedField) => this.#tally.get(field);
    // A search is charged, but most servers do not report it.
    const searches = Math.max(of("searches"), (this.#request?.hostedTools.length ?? 0) > 0 ? 1 : 0);
    return divided({
      input: of("input"),
      cacheRead: of("cacheRead"),
      cacheWrite: of("cacheWrite"),
      output: of("output"),
      total: of("total"),
      reasoning: of("reasoning"),
      hostedToolCalls: searches,
      serviceTier: this.#serviceTier,
    });
  }

  missing(): MissingUsage {
    return missingUsage(this.#tally);
  }

  visibleOutputBytes(): number {
    return this.#visibleBytes;
  }

  isComplete(): boolean {
    return this.#isComplete;
  }

  reportedError(): string | null {
    return this.#error;
  }

  fault(): string | null {
    return this.#tally.fault;
  }
}
