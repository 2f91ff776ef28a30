/** Passes on a request that costs nothing, such as counting tokens, with its response. */
import type { Attempt } from "./attempt.ts";
import type { RequestBody } from "./body.ts";
import { readErrorResponse } from "./error-response.ts";
import type { Exchange } from "./exchange.ts";
import { forward } from "./forward.ts";
import { returnedHeaders } from "./headers.ts";

export interface UnmeteredRequest {
  readonly path: string;
  readonly body: RequestBody;
  /** Ends the request. */
  readonly upstream: AbortController;
}

/** Never rejects. */
export async function relayUnmetered(
  attempt: Attempt,
  exchange: Exchange,
  { path, body, upstream }: UnmeteredRequest,
): Promise<void> {
  const wire = attempt.wire.begin();
  const abort = (): void => upstream.abort();
  exchange.gone.addEventListener("abort", abort, { once: true });
  try {
    const response = await forward(attempt.target, {
      method: exchange.request.method ?? "GET",
      path,
      headers: exchange.request.rawHeaders,
      body: body.raw,
      isBodyEncoded: body.isEncoded,
      key: attempt.access.key,
      signal: upstream.signal,
      onSent: () => {},
    });
    wire.answered();
    if (response.status > 299) {
      attempt.refusedByProvider(response, null);
      return await exchange.send(await readErrorResponse(response));
    }
    const { status, headers, credential, isBodyUnchanged } = response;
    exchange.start(
      status,
      returnedHeaders(headers, { keepsLength: isBodyUnchanged, keepsEncoding: isBodyUnchanged, credential }),
    );
    exchange.flush();
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      wire.received(chunk.length);
      await exchange.write(chunk);
    }
    exchange.end();
  } catch (error) {
    if (exchange.hasStarted || exchange.gone.aborted) exchange.break();
    else
      exchange.answer(
        attempt.protocol.refusal({ kind: "upstream", message: attempt.connectionMessage(error) }),
      );
  } finally {
    exchange.gone.removeEventListener("abort", abort);
    wire.ended();
  }
}
