/**
 * One metered request with its response. The start is in the journal before the request is forwarded, and the end before the
 * last byte of the response is: whatever happens in between, the call is charged once, and never less than it cost.
 */
import { errorText, type CallOutcome, type ProviderCall, type Timer } from "@agentcore/contract";
import type { GrantedCall } from "../account/account.ts";
import type { CallRequest, RefusalReason, ResponseMeter } from "../protocols/protocol.ts";
import type { WireEntry } from "./activity.ts";
import type { Attempt } from "./attempt.ts";
import type { RequestBody } from "./body.ts";
import { readErrorResponse } from "./error-response.ts";
import { isEventStream, type Exchange } from "./exchange.ts";
import { forward, type UpstreamResponse } from "./forward.ts";
import { HeldBytes } from "./held-bytes.ts";

/** Longest response. One with 128,000 tokens in an event each has 20 MB. */
const responseBytesMax = 64 * 1024 * 1024;
/** Once the usage is final, what else the provider sends is passed on for that long. */
const afterCompletionMs = 1_000;

export interface CallOptions {
  readonly attempt: Attempt;
  readonly exchange: Exchange;
  readonly path: string;
  readonly body: RequestBody;
  readonly request: CallRequest;
  readonly grant: GrantedCall;
  /** The request takes no limit of its output. */
  readonly isUnlimited: boolean;
  readonly wire: WireEntry;
}

export class Call {
  readonly #options: CallOptions;
  readonly #upstream = new AbortController();
  readonly #wire: WireEntry;
  /** As the journal has it while the call is open. */
  #record: ProviderCall;
  #meter: ResponseMeter | null = null;
  #status: number | null = null;
  #isSent = false;
  #cutBy: RefusalReason | null = null;
  #settling: Promise<boolean> | null = null;
  #tokens = 0;

  constructor(options: CallOptions) {
    this.#options = options;
    const { attempt, request, grant, wire } = options;
    this.#record = attempt.recordOf(request, grant);
    this.#wire = wire;
  }

  /** Ends the call: with the protocol's own ending for a reason, or by closing the connection. It is charged what was seen. */
  abort(reason: RefusalReason | null): void {
    this.#cutBy ??= reason;
    this.#upstream.abort();
    if (reason === null) this.#options.exchange.break();
  }

  /** Resolves once the call is settled, with the tokens that it is charged. Never rejects. */
  async run(): Promise<number> {
    const { exchange } = this.#options;
    const abort = (): void => this.abort(null);
    exchange.gone.addEventListener("abort", abort, { once: true });
    try {
      if (await this.#isBegun()) await this.#converse();
    } catch (error) {
      await this.#broken(error);
    } finally {
      exchange.gone.removeEventListener("abort", abort);
      this.#wire.ended();
    }
    return this.#tokens;
  }

  async #isBegun(): Promise<boolean> {
    const { attempt, exchange, grant } = this.#options;
    try {
      await attempt.journal.begin(this.#record);
      return true;
    } catch (error) {
      attempt.log.error(
        { code: "AC_STORE_UNAVAILABLE", error: errorText(error) },
        "a call is refused: its start cannot be recorded",
      );
      attempt.forget(grant.callId);
      const message = "The spend gate cannot record the request at the moment, so it is not forwarded.";
      exchange.answer(attempt.protocol.refusal({ kind: "store", message }));
      return false;
    }
  }

  async #converse(): Promise<void> {
    const response = await this.#forwarded();
    this.#wire.answered();
    this.#status = response.status;
    if (response.status < 200 || response.status > 299) await this.#refusedByProvider(response);
    else await this.#relay(response);
  }

  async #forwarded(): Promise<UpstreamResponse> {
    const { attempt, exchange, path, body } = this.#options;
    const changed = this.#bodyToSend();
    return await forward(attempt.target, {
      method: exchange.request.method ?? "POST",
      path,
      headers: exchange.request.rawHeaders,
      body: changed ?? body.raw,
      isBodyEncoded: changed === null && body.isEncoded,
      key: attempt.access.key,
      signal: this.#upstream.signal,
      onSent: () => (this.#isSent = true),
    });
  }

  /** Null: as it came. */
  #bodyToSend(): Buffer | null {
    const { attempt, body, grant, isUnlimited } = this.#options;
    if (isUnlimited) return null;
    const asked = attempt.protocol.withUsage(body.decoded);
    const sent =
      grant.maxOutputTokens === null ? asked : attempt.protocol.withMaxOutput(asked, grant.maxOutputTokens);
    if (sent === body.decoded) return null;
    const bytes = Buffer.from(sent.buffer, sent.byteOffset, sent.byteLength);
    return bytes.equals(body.decoded) ? null : bytes;
  }

  /** A response with an error costs nothing. It is passed on as it is, because agents act on its text. */
  async #refusedByProvider(response: UpstreamResponse): Promise<void> {
    const { attempt, exchange, request } = this.#options;
    attempt.refusedByProvider(response, request.model);
    const answer = await readErrorResponse(response);
    if (!(await this.#settle("failed"))) return exchange.break();
    await exchange.send(answer);
  }

  async #relay(response: UpstreamResponse): Promise<void> {
    const { attempt, exchange, request } = this.#options;
    const type = [response.headers["content-type"] ?? []].flat()[0] ?? null;
    const meter = attempt.protocol.meter(type, request);
    this.#meter = meter;
    const held = new HeldBytes(exchange, response, isEventStream(type ?? ""));
    let received = 0;
    let rest: Timer | null = null;
    try {
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        received += chunk.length;
        this.#wire.received(chunk.length);
        meter.push(chunk);
        if (received > responseBytesMax)
          throw new Error("the response is longer than the spend gate passes on");
        held.push(chunk);
        if (this.#settling === null && meter.isComplete()) {
          exchange.flush();
          if (!(await this.#settle(meter.fault() === null ? "completed" : "failed"))) return exchange.break();
        }
        if (this.#settling === null && this.#isCut(meter)) {
          // What came before the cut is paid for.
          await held.release(meter.openEventBytes(), false);
          throw new Error("the ceiling is reached");
        }
        await this.#recordHold();
        await held.release(this.#settling === null ? meter.openEventBytes() : 0, this.#settling !== null);
        if (this.#settling !== null)
          rest ??= attempt.clock.setTimer(afterCompletionMs, () => this.#upstream.abort());
      }
      if (!(await this.#settle("failed"))) return exchange.break();
      await held.release(0, true);
      exchange.end();
    } finally {
      rest?.cancel();
      response.body.on("error", () => {}).destroy();
    }
  }

  /** A response that is longer than was held may cost more than the journal says: it says so before more is passed on. */
  async #recordHold(): Promise<void> {
    const { attempt, grant } = this.#options;
    const hold = attempt.account.holdOf(grant.callId);
    if (hold === null || this.#settling !== null) return;
    if (hold.costMicroUsd <= this.#record.costMicroUsd && hold.tokens <= this.#record.tokens) return;
    this.#record = {
      ...this.#record,
      costMicroUsd: Math.max(hold.costMicroUsd, this.#record.costMicroUsd),
      tokens: Math.max(hold.tokens, this.#record.tokens),
    };
    await attempt.journal.end(this.#record);
  }

  /** Whether the call has used up what it may use. The provider is then asked to stop at once. */
  #isCut(meter: ResponseMeter): boolean {
    const { attempt, grant } = this.#options;
    this.#cutBy ??= attempt.progress(grant.callId, meter);
    if (this.#cutBy !== null) this.#upstream.abort();
    return this.#cutBy !== null;
  }

  /** The connection to the provider ended, or was ended, before the response did. */
  async #broken(error: unknown): Promise<void> {
    const { attempt, exchange } = this.#options;
    const cut = this.#cutBy;
    const outcome = cut !== null ? "cut" : this.#upstream.signal.aborted ? "cancelled" : "failed";
    this.#upstream.abort();
    const isFinal = this.#settling !== null;
    const isSettled = await this.#settle(outcome);
    if (!isSettled) return exchange.break();
    if (cut !== null) return await attempt.endResponse(exchange, cut);
    // After the terminal event the response is whole for the worker.
    if (isFinal && !exchange.gone.aborted) return exchange.end();
    if (exchange.hasStarted || exchange.gone.aborted) return exchange.break();
    exchange.answer(
      attempt.protocol.refusal({ kind: "upstream", message: attempt.connectionMessage(error) }),
    );
  }

  /** Charges the call, once. Resolves with whether its end is in the journal. */
  #settle(outcome: Exclude<CallOutcome, "open">): Promise<boolean> {
    const { attempt, grant } = this.#options;
    this.#settling ??= attempt
      .settle(this.#record, grant.callId, {
        outcome,
        status: this.#status,
        usage: this.#meter?.usage() ?? null,
        missing: this.#meter?.missing() ?? null,
        visibleOutputBytes: this.#meter?.visibleOutputBytes() ?? 0,
        isFinal: this.#meter?.isComplete() ?? false,
        // A response that is no answer may have cost something all the same.
        hasFault: this.#meter?.isErrorOfProvider() ?? false,
        wasSent: this.#isSent,
      })
      .then(({ tokens, isWritten }) => {
        this.#tokens = tokens;
        return isWritten;
      });
    return this.#settling;
  }
}
