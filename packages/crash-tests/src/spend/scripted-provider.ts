/**
 * A provider on loopback that streams messages of Anthropic as each request's script says, and bills them as a provider does:
 * the input, all reasoning, and the text that it generated, also for a response that nobody received to its end. Its bills are
 * the truth that a ledger is compared with.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { OwnPrices } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";

export const scriptedModel = "scripted-1";

/** US dollars per million tokens, which is micro-dollars per token. */
const price = { input: 3, cached_input: 0.3, cache_write: 3.75, output: 15 } as const;
export const scriptedPrices: OwnPrices = { [`anthropic/${scriptedModel}`]: price };

/** Header of a request with its {@link CallScript} as JSON. */
export const scriptHeader = "x-script";

/** What a response uses. It has no more output than the request allows: first reasoning, then text. */
export interface CallScript {
  readonly run: string;
  /** Differs in each call of a run, so that its bill is found in the journal. */
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Billed with the output, and no part of the response. */
  readonly hiddenTokens: number;
  readonly textTokens: number;
  readonly chunks: number;
  readonly chunkMs: number;
}

export interface Bill {
  readonly run: string;
  readonly inputTokens: number;
  readonly hiddenTokens: number;
  /** As the provider got it: a limit of the gate is in it. */
  readonly maxTokens: number;
  /** The limit took something away from what the script says. */
  readonly isShortened: boolean;
  /** The response was sent to its end. */
  readonly isWhole: boolean;
  readonly microUsd: number;
}

export type Moment = "request" | "chunk" | "end";

export interface ScriptedProvider {
  readonly url: string;
  readonly bills: readonly Bill[];
  /** Called at each moment of a response, before what it names. */
  onMoment: (moment: Moment) => void;
  /** Resolves when every response has ended and is billed. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Bytes of a token of text. */
export const bytesPerToken = 4;

export async function startScriptedProvider(): Promise<ScriptedProvider> {
  const bills: Bill[] = [];
  let open = 0;
  const provider: ScriptedProvider = {
    url: "",
    bills,
    onMoment: () => {},
    idle: () => until(() => open === 0, { what: "the end of every response" }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  const server = createServer((request, response) => {
    open += 1;
    // Ends with the connection, whatever the response was about to do.
    void answer(request, response, (moment) => provider.onMoment(moment))
      .then((bill) => {
        if (bill !== null) bills.push(bill);
      })
      .finally(() => {
        open -= 1;
      });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(provider, { url: `http://127.0.0.1:${port}` });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  onMoment: (moment: Moment) => void,
): Promise<Bill | null> {
  const script = JSON.parse(String(request.headers[scriptHeader])) as CallScript;
  const body = await readBody(request);
  // The runtime died while it sent the request: the provider never had it.
  if (body === null) return null;
  const maxTokens = (JSON.parse(body) as { max_tokens: number }).max_tokens;
  const hiddenTokens = Math.min(script.hiddenTokens, maxTokens);
  const textTokens = Math.min(script.textTokens, maxTokens - hiddenTokens);
  onMoment("request");
  const generated = await stream(response, script, { hiddenTokens, textTokens }, onMoment);
  const { run, inputTokens } = script;
  return {
    run,
    inputTokens,
    hiddenTokens,
    maxTokens,
    isShortened: hiddenTokens + textTokens < script.hiddenTokens + script.textTokens,
    isWhole: generated.isWhole,
    microUsd: microUsdOf(script, hiddenTokens + generated.textTokens),
  };
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  try {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    return Buffer.concat(parts).toString();
  } catch {
    return null;
  }
}

async function stream(
  response: ServerResponse,
  { inputTokens, cacheReadTokens, cacheWriteTokens, chunks, chunkMs }: CallScript,
  { hiddenTokens, textTokens }: Pick<CallScript, "hiddenTokens" | "textTokens">,
  onMoment: (moment: Moment) => void,
): Promise<{ readonly textTokens: number; readonly isWhole: boolean }> {
  response.on("error", () => {});
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (type: string, data: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  const usage = {
    input_tokens: inputTokens,
    cache_read_input_tokens: cacheReadTokens,
    cache_creation_input_tokens: cacheWriteTokens,
    output_tokens: 1,
  };
  send("message_start", { message: { id: "msg_1", type: "message", role: "assistant", usage } });
  send("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  let generated = 0;
  for (let chunk = 1; chunk <= chunks; chunk += 1) {
    await pause(chunkMs);
    if (response.destroyed) return { textTokens: generated, isWhole: false };
    const upTo = Math.floor((textTokens * chunk) / chunks);
    const text = "word".repeat(upTo - generated);
    generated = upTo;
    onMoment("chunk");
    send("content_block_delta", { index: 0, delta: { type: "text_delta", text } });
  }
  send("content_block_stop", { index: 0 });
  onMoment("end");
  send("message_delta", {
    delta: { stop_reason: "end_turn" },
    usage: { output_tokens: hiddenTokens + textTokens },
  });
  send("message_stop", {});
  response.end();
  return { textTokens, isWhole: true };
}

/** Rounded up, in whole numbers: prices have two digits behind the point at most. */
function microUsdOf(
  { inputTokens, cacheReadTokens, cacheWriteTokens }: CallScript,
  outputTokens: number,
): number {
  const hundredths = (usdPerMillion: number, tokens: number) => Math.round(usdPerMillion * 100) * tokens;
  const sum =
    hundredths(price.input, inputTokens) +
    hundredths(price.cached_input, cacheReadTokens) +
    hundredths(price.cache_write, cacheWriteTokens) +
    hundredths(price.output, outputTokens);
  return Math.ceil(sum / 100);
}

/** What a call costs at most that has its whole output. */
export function costOfScript(script: CallScript): number {
  return microUsdOf(script, script.hiddenTokens + script.textTokens);
}

/** What that many tokens of output cost. */
export function outputMicroUsd(tokens: number): number {
  return tokens * price.output;
}
