/** Takes each request: finds the attempt by its key, and lets the protocol say what becomes of it. */
import { errorText, type Log, type ProviderProtocol } from "@agentcore/contract";
import type { IncomingMessage, RequestListener } from "node:http";
import { refusal } from "../protocols/refusals.ts";
import type { LocalResponse } from "../protocols/protocol.ts";
import { routeOf } from "../protocols/routes.ts";
import type { Attempt } from "./attempt.ts";
import { readBody } from "./body.ts";
import { Exchange } from "./exchange.ts";
import { keyOf, type KeyRing } from "./keys.ts";
import type { RefusedKeyCounts } from "./refused-keys.ts";
import { checkTarget } from "./target.ts";

export interface HandlerOptions {
  readonly keys: KeyRing<Attempt>;
  readonly refused: RefusedKeyCounts;
  readonly log: Log;
}

export function createHandler({ keys, refused, log }: HandlerOptions): RequestListener {
  const refuseKey = (exchange: Exchange, key: string | null): void => {
    const { kind, of } = keys.refusalOf(key);
    refused.note(kind, of);
    const message = "The key is unknown to the spend gate, or the permit of its attempt has ended.";
    exchange.answer(refusal(protocolOf(exchange.request), { kind: "key", message }));
  };
  return (request, response) => {
    const exchange = new Exchange(request, response);
    void serve(exchange, keys, refuseKey).catch((error: unknown) => {
      log.error({ error: errorText(error) }, "the spend gate failed to serve a request");
      if (exchange.hasStarted) return exchange.break();
      const message = "The spend gate failed to serve the request; its log says why.";
      exchange.answer(refusal(protocolOf(request), { kind: "upstream", message }));
    });
  };
}

async function serve(
  exchange: Exchange,
  keys: KeyRing<Attempt>,
  refuseKey: (exchange: Exchange, key: string | null) => void,
): Promise<void> {
  const { request } = exchange;
  const key = keyOf(request.headers);
  const attempt = key === null ? null : keys.find(key);
  const target = checkTarget(request.url ?? "", request.headers.host, attempt?.hosts ?? new Set());
  attempt?.seen();
  if (target.kind === "refused") {
    await exchange.drain();
    return exchange.answer(refusedTarget(target.status, target.message));
  }
  const method = request.method ?? "GET";
  if (attempt === null) {
    await exchange.drain();
    // Claude Code asks without a key whether the network is there.
    const hello = key === null ? routeOf("anthropic-messages", method, target.path, request.headers) : null;
    return hello?.kind === "answered" ? exchange.answer(hello.response) : refuseKey(exchange, key);
  }
  const route = attempt.protocol.route(method, target.path, request.headers);
  if (route.kind === "answered" || route.kind === "refused") {
    await exchange.drain();
    return exchange.answer(route.response);
  }
  const read = await readBody(request, request.headers["content-encoding"]);
  switch (read.kind) {
    case "gone":
      return exchange.break();
    case "too_large":
      await exchange.drain();
      return exchange.answer(
        attempt.protocol.refusal({
          kind: "too_large",
          message: "The body of the request has more than 64 MiB.",
        }),
      );
    case "invalid":
      await exchange.drain();
      return exchange.answer(refusedTarget(read.status, read.message));
    case "body":
      if (route.kind === "unmetered") return await attempt.unmetered(exchange, target.path, read.body);
      return await attempt.metered(exchange, target.path, read.body, route.kind === "charged-by-bound");
  }
}

/** The form of an error that all protocols share. */
function refusedTarget(status: number, message: string): LocalResponse {
  const error = { type: "invalid_request_error", message };
  return {
    status,
    headers: { "content-type": "application/json", "x-should-retry": "false" },
    body: JSON.stringify({ type: "error", error }),
  };
}

/** Of a request whose attempt is not known. */
function protocolOf({ url = "" }: IncomingMessage): ProviderProtocol {
  if (/^(?:\/v1)?\/chat\//.test(url)) return "openai-chat";
  return /^\/v1\/messages|^\/api\//.test(url) ? "anthropic-messages" : "openai-responses";
}
