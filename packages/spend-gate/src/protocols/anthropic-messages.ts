/**
 * Anthropic Messages. The input is reported in `message_start`, the output in `message_delta`; neither includes the other kinds
 * of input. Requests with several passes of the model (compaction, an advisor) list them in `iterations`, and the fields above
 * the list do not include all of them.
 */
import type { CallUsage } from "@agentcore/contract";
import type { JsonScalar } from "./json-scanner.ts";
import { makeProtocol } from "./make-protocol.ts";
import type { CallRequest, MissingUsage } from "./protocol.ts";
import type { RequestFields } from "./request-reader.ts";
import { providerError, type UsageReader } from "./response-meter.ts";
import { hostedCallsMax, Tally } from "./tally.ts";

const fields: RequestFields = {
  maxOutput: ["/max_tokens"],
  minOutput: 1,
  answers: null,
  speed: "/speed",
  region: "/inference_geo",
  clientTools: /^(?:custom$|bash_|text_editor_|computer_|memory_)/,
  hosted: { "/mcp_servers": "mcp" },
  references: [
    { path: /\/source\/type$/, value: /^(?:url|file)$/ },
    // A page of a few bytes has as many tokens as a long text.
    { path: /\/source\/media_type$/, value: /^application\/pdf$/ },
    { path: /\/file_id$/, value: /./ },
    { path: /^\/container(?:\/id)?$/, value: /./ },
  ],
  refused: [],
};

export const anthropicMessages = makeProtocol({
  name: "anthropic-messages",
  fields,
  limitField: () => "max_tokens",
  reader: (request) => new MessagesReader(request),
});

type Field =
  | "input"
  | "cacheRead"
  | "cacheWrite"
  | "write5m"
  | "write1h"
  | "output"
  | "thinking"
  | "searches";

const reported: ReadonlyMap<string, Field> = new Map([
  ["/input_tokens", "input"],
  ["/cache_read_input_tokens", "cacheRead"],
  ["/cache_creation_input_tokens", "cacheWrite"],
  ["/cache_creation/ephemeral_5m_input_tokens", "write5m"],
  ["/cache_creation/ephemeral_1h_input_tokens", "write1h"],
  ["/output_tokens", "output"],
  ["/output_tokens_details/thinking_tokens", "thinking"],
  ["/server_tool_use/web_search_requests", "searches"],
]);
const usagePath = /^(?:\/message)?\/usage(\/iterations\/\*)?(\/.*)$/;
const visiblePath =
  /^\/(?:(?:delta|content_block|content\/\*)\/(?:text|thinking|partial_json)|(?:content_block|content\/\*)\/input(?:\/.*)?)$/;

class MessagesReader implements UsageReader {
  readonly #request: CallRequest | null;
  readonly #tally = new Tally<Field>({ searches: hostedCallsMax });
  /** Of the event that is being read. */
  #type: string | null = null;
  #errorType: string | null = null;
  #errorMessage: string | null = null;

  readonly #said = new Map<string, string>();
  #visibleBytes = 0;
  #isComplete = false;
  /** The number of `message_start` is a first one. */
  #hasLastOutput = false;
  #error: string | null = null;

  constructor(request: CallRequest | null) {
    this.#request = request;
  }

  beginEvent(): void {
    this.#tally.discard();
    this.#type = null;
    this.#errorType = null;
    this.#errorMessage = null;
  }

  scalar(path: string, scalar: JsonScalar): void {
    if (visiblePath.test(path)) this.#visibleBytes += scalar.bytes;
    else if (path === "/type") this.#type = scalar.text;
    else if (path === "/error/type") this.#errorType = scalar.text;
    else if (path === "/error/message") this.#errorMessage = scalar.text;
    else this.#readUsage(path, scalar);
  }

  endEvent(event: string | null): void {
    this.#tally.commit();
    const type = this.#type ?? event;
    if (type === "message_stop") this.#isComplete = true;
    if (type === "error") this.#error ??= providerError(this.#errorType, this.#errorMessage);
  }

  endDocument(): void {
    this.endEvent(null);
  }

  done(): void {}

  usage(): CallUsage | null {
    if (!this.#tally.hasAny) return null;
    const of = (field: Field) => this.#tally.get(field);
    // Of what is not divided, a part may have been written for an hour.
    const undivided = Math.max(of("cacheWrite") - of("write5m") - of("write1h"), 0);
    const isForAnHour = this.#request?.cacheWrites === "1h";
    const output = Math.max(of("output"), of("thinking"));
    return {
      inputTokens: of("input"),
      cacheReadTokens: of("cacheRead"),
      cacheWrite5mTokens: of("write5m") + (isForAnHour ? 0 : undivided),
      cacheWrite1hTokens: of("write1h") + (isForAnHour ? undivided : 0),
      outputTokens: output,
      reasoningTokens: of("thinking"),
      hostedToolCalls: of("searches"),
      serviceTier: this.#said.get("/service_tier") ?? null,
      speed: this.#said.get("/speed") ?? null,
      region: this.#said.get("/inference_geo") ?? null,
    };
  }

  missing(): MissingUsage {
    if (!this.#tally.has("input")) return "input";
    return this.#hasLastOutput ? null : "output";
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

  #readUsage(path: string, scalar: JsonScalar): void {
    const match = usagePath.exec(path);
    if (match === null) return;
    const [, iteration, rest = ""] = match;
    const field = reported.get(rest);
    if (field === "output" && path.startsWith("/usage/") && scalar.kind === "number")
      this.#hasLastOutput = true;
    if (field !== undefined && iteration === undefined) this.#tally.take(field, scalar);
    else if (field !== undefined) this.#tally.takeListed(field, scalar);
    else if (iteration === undefined && scalar.kind === "string" && scalar.text !== "not_available")
      this.#said.set(rest, scalar.text);
  }
}
