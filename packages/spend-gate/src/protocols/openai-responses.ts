/**
 * OpenAI Responses. The usage is in the response that the last event carries, whichever event that is: a response that is
 * incomplete or failed costs what it reports.
 */
import type { CallUsage } from "@agentcore/contract";
import type { JsonScalar } from "./json-scanner.ts";
import { divided, missingUsage, type ReportedField } from "./openai-usage.ts";
import { makeProtocol } from "./make-protocol.ts";
import type { MissingUsage } from "./protocol.ts";
import type { RequestFields } from "./request-reader.ts";
import { providerError, type UsageReader } from "./response-meter.ts";
import { hostedCallsMax, Tally } from "./tally.ts";

const fields: RequestFields = {
  maxOutput: ["/max_output_tokens"],
  minOutput: 16,
  answers: null,
  speed: null,
  region: null,
  clientTools: /^(?:function|custom|namespace|tool_search|local_shell|shell|apply_patch|computer.*)$/,
  hosted: {},
  references: [
    { path: /^\/(?:previous_response_id|conversation|conversation\/id|prompt\/id)$/, value: /./ },
    { path: /^\/input\/\*\/type$/, value: /^item_reference$/ },
    { path: /\/(?:file_id|file_url)$/, value: /./ },
    { path: /\/image_url$/, value: /^https?:/ },
    { path: /\/file_data$/, value: /^data:application\/pdf/ },
  ],
  // Its usage would be in the answer to a later request.
  refused: ["/background"],
};

export const openAiResponses = makeProtocol({
  name: "openai-responses",
  fields,
  limitField: () => "max_output_tokens",
  reader: () => new ResponsesReader(),
});

const reported: ReadonlyMap<string, ReportedField> = new Map([
  ["/usage/input_tokens", "input"],
  ["/usage/input_tokens_details/cached_tokens", "cacheRead"],
  ["/usage/input_tokens_details/cache_write_tokens", "cacheWrite"],
  ["/usage/output_tokens", "output"],
  ["/usage/total_tokens", "total"],
  ["/usage/output_tokens_details/reasoning_tokens", "reasoning"],
  ["/tool_usage/web_search/num_requests", "searches"],
]);
const terminal = new Set([
  "response.completed",
  "response.incomplete",
  "response.failed",
  "response.cancelled",
]);
const chargedItems = new Set([
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
]);
/** Of an item that has ended: the text that its deltas had, or that had no deltas. */
const itemText = /^\/(?:arguments|input|code|(?:content|summary)\/\*\/(?:text|refusal))$/;
const itemPath = /^(\/item|\/output\/\*|\/response\/output\/\*)(\/.*)$/;

class ResponsesReader implements UsageReader {
  readonly #tally = new Tally<ReportedField>({ searches: hostedCallsMax });
  #serviceTier: string | null = null;
  #deltaBytes = 0;
  #itemBytes = 0;
  #hostedCalls = 0;
  #isComplete = false;
  #error: string | null = null;

  /** Of the event that is being read. */
  #type: string | null = null;
  #code: string | null = null;
  #message: string | null = null;
  #eventItemBytes = 0;
  #eventHostedCalls = 0;
  /** Of the item that is being read. */
  #itemType: string | null = null;
  #action: string | null = null;

  beginEvent(): void {
    this.#tally.discard();
    this.#type = null;
    this.#code = null;
    this.#message = null;
    this.#eventItemBytes = 0;
    this.#eventHostedCalls = 0;
    this.#itemType = null;
    this.#action = null;
  }

  scalar(path: string, scalar: JsonScalar): void {
    if (path === "/type") this.#type = scalar.text;
    else if (path === "/delta") this.#deltaBytes += scalar.bytes;
    else if (/^(?:\/response)?(?:\/error)?\/code$/.test(path) && scalar.kind === "string")
      this.#code = scalar.text;
    else if (/^(?:\/response)?(?:\/error)?\/message$/.test(path)) this.#message = scalar.text;
    else this.#readResponse(path, scalar);
  }

  close(path: string): void {
    if (!/^(?:\/item|\/output\/\*|\/response\/output\/\*)$/.test(path)) return;
    // Opening a page and searching in it cost nothing.
    const isFree = this.#itemType === "web_search_call" && (this.#action ?? "search") !== "search";
    if (this.#itemType !== null && chargedItems.has(this.#itemType) && !isFree) this.#eventHostedCalls++;
    this.#itemType = null;
    this.#action = null;
  }

  endEvent(event: string | null): void {
    this.#tally.commit();
    const type = this.#type ?? event ?? "";
    if (type === "response.output_item.done") {
      this.#itemBytes += this.#eventItemBytes;
      this.#hostedCalls += this.#eventHostedCalls;
    }
    if (type === "error" || type === "response.failed")
      this.#error ??= providerError(this.#code, this.#message);
    if (!terminal.has(type)) return;
    this.#isComplete = true;
    this.#hostedCalls = Math.max(this.#hostedCalls, this.#eventHostedCalls);
  }

  endDocument(): void {
    this.#tally.commit();
    this.#itemBytes = this.#eventItemBytes;
    this.#hostedCalls = this.#eventHostedCalls;
  }

  done(): void {}

  usage(): CallUsage | null {
    if (!this.#tally.hasAny) return null;
    const of = (field: ReportedField) => this.#tally.get(field);
    return divided({
      input: of("input"),
      cacheRead: of("cacheRead"),
      cacheWrite: of("cacheWrite"),
      output: of("output"),
      total: of("total"),
      reasoning: of("reasoning"),
      hostedToolCalls: Math.max(Math.min(this.#hostedCalls, hostedCallsMax), of("searches")),
      serviceTier: this.#serviceTier,
    });
  }

  missing(): MissingUsage {
    return missingUsage(this.#tally);
  }

  visibleOutputBytes(): number {
    return Math.max(this.#deltaBytes, this.#itemBytes);
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

  #readResponse(path: string, scalar: JsonScalar): void {
    const inResponse = path.startsWith("/response/") ? path.slice("/response".length) : path;
    const field = reported.get(inResponse);
    if (field !== undefined) return this.#tally.take(field, scalar);
    if (inResponse === "/service_tier" && scalar.kind === "string") this.#serviceTier = scalar.text;
    const [, , inItem = ""] = itemPath.exec(path) ?? [];
    if (inItem === "/type") this.#itemType = scalar.text;
    else if (inItem === "/action/type") this.#action = scalar.text;
    else if (itemText.test(inItem)) this.#eventItemBytes += scalar.bytes;
  }
}
