/**
 * The client side of a connection to a runtime: requests and responses, notifications in both directions, each message
 * validated. Malformed, oversized and unknown messages are counted and ignored; too many of them break the connection. When
 * the connection ends, every open request is rejected with `AC_RUNTIME_LOST`.
 */
import type { Readable, Writable } from "node:stream";
import {
  AgentCoreError,
  isErrorCode,
  LineReader,
  wireMessageBytesMax,
  wireRequests,
  wireResponseEnvelopeSchema,
  wireServerNotifications,
  type Log,
  type WireError,
  type WireLine,
  type WireMethod,
  type WireParams,
  type WireResult,
  type WireServerNotification,
  lazySchema,
} from "@agentcore/contract";
import { z } from "zod";

export type ServerMessage = {
  [N in WireServerNotification]: {
    readonly name: N;
    readonly params: z.infer<(typeof wireServerNotifications)[N]>;
  };
}[WireServerNotification];

export interface WirePeerOptions {
  /** What the runtime writes. */
  readonly output: Readable;
  /** What the runtime reads. */
  readonly input: Writable;
  readonly log: Log;
  readonly onNotification: (message: ServerMessage) => void;
  /** Called for every message: the other side lives. */
  readonly onMessage: () => void;
  /** The other side keeps sending invalid messages. */
  readonly onBroken: (why: string) => void;
}

interface OpenRequest {
  readonly method: WireMethod;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: AgentCoreError) => void;
}

/** Number of bad messages at which the peer counts as broken. */
const badMessagesMax = 100;

const incomingSchema = lazySchema(() =>
  z.union([
    wireResponseEnvelopeSchema,
    z.strictObject({ jsonrpc: z.literal("2.0"), method: z.string(), params: z.unknown().optional() }),
  ]),
);

export class WirePeer {
  readonly #options: WirePeerOptions;
  readonly #lines = new LineReader(wireMessageBytesMax);
  readonly #open = new Map<number, OpenRequest>();
  #nextId = 1;
  #bad = 0;
  #ended: AgentCoreError | null = null;

  constructor(options: WirePeerOptions) {
    this.#options = options;
    options.output.on("data", (chunk: Buffer) => {
      for (const line of this.#lines.push(chunk)) this.#take(line);
    });
    // The exit of the process says more than the pipe's error; a failed write must not crash this process.
    options.input.on("error", (error) => options.log.debug({ error }, "could not write to the runtime"));
    options.output.on("error", (error) => options.log.debug({ error }, "could not read from the runtime"));
  }

  request<M extends WireMethod>(method: M, params: WireParams<M>): Promise<WireResult<M>> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { method, resolve: resolve as (result: unknown) => void, reject });
      this.#write({ jsonrpc: "2.0", id, method, params });
    });
  }

  notify(method: string, params: unknown): void {
    if (this.#ended === null) this.#write({ jsonrpc: "2.0", method, params });
  }

  /** Rejects all open requests; nothing is written or accepted afterwards. */
  end(reason: AgentCoreError): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    for (const { reject } of this.#open.values()) reject(reason);
    this.#open.clear();
  }

  #write(message: object): void {
    this.#options.input.write(`${JSON.stringify(message)}\n`);
  }

  #take(line: WireLine): void {
    if (this.#ended !== null) return;
    this.#options.onMessage();
    if (line.kind === "too_large") return this.#onBad(`a message of more than ${wireMessageBytesMax} bytes`);
    const message = line.kind === "text" ? parse(line.text) : undefined;
    if (message === undefined) return this.#onBad("a message that is no JSON-RPC");
    if ("method" in message) this.#onNotification(message.method, message.params);
    else if ("error" in message) this.#onError(message.id, message.error);
    else this.#onResult(message.id, message.result);
  }

  #onResult(id: string | number, result: unknown): void {
    const request = this.#settle(id);
    if (request === undefined) return this.#onBad(`an answer to request ${id}, which is not open`);
    const parsed = wireRequests[request.method].result.safeParse(result);
    if (parsed.success) return request.resolve(parsed.data);
    this.#onBad(`an answer to ${request.method} of the wrong shape`);
    request.reject(malformed(`the runtime's answer to ${request.method} is not valid`, parsed.error));
  }

  #onError(id: string | number | null, error: WireError): void {
    const request = id === null ? undefined : this.#settle(id);
    if (request === undefined) return this.#onBad(`an error that answers no open request: ${error.message}`);
    request.reject(errorOf(error));
  }

  #settle(id: string | number): OpenRequest | undefined {
    if (typeof id !== "number") return undefined;
    const request = this.#open.get(id);
    this.#open.delete(id);
    return request;
  }

  #onNotification(method: string, params: unknown): void {
    if (!isServerNotification(method))
      return this.#onBad(`a notification of unknown name ${method.slice(0, 100)}`);
    const parsed = wireServerNotifications[method].safeParse(params);
    if (!parsed.success) return this.#onBad(`a notification ${method} of the wrong shape`);
    this.#options.onNotification({ name: method, params: parsed.data } as ServerMessage);
  }

  #onBad(what: string): void {
    this.#bad += 1;
    if (this.#bad <= 10) this.#options.log.warn({ what }, "the runtime sent what it must not");
    if (this.#bad === badMessagesMax)
      this.#options.onBroken(`it sent ${badMessagesMax} bad messages, the last: ${what}`);
  }
}

function parse(text: string): z.infer<typeof incomingSchema> | undefined {
  try {
    return incomingSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isServerNotification(method: string): method is WireServerNotification {
  return Object.hasOwn(wireServerNotifications, method);
}

function malformed(message: string, cause: unknown): AgentCoreError {
  return new AgentCoreError("AC_WIRE_MALFORMED", message, { cause });
}

/** Converts the other side's error to the same error here. */
function errorOf({ message, data, code }: WireError): AgentCoreError {
  if (data !== undefined && isErrorCode(data.code)) {
    return new AgentCoreError(data.code, message, { evidence: data.evidence });
  }
  return new AgentCoreError("AC_INTERNAL", `the runtime answered with error ${code}: ${message}`);
}
