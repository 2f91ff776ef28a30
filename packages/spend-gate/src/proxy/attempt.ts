/**
 * The meter of one attempt: its key, its account, and its open calls. It ends with the permit: when the attempt is stopped, all
 * calls are ended and charged, and later requests are refused.
 */
import {
  errorCode,
  errorText,
  isAgentCoreError,
  type Clock,
  type Ids,
  type Log,
  type MeteredSpending,
  type ProviderCall,
  type SpendGateAccess,
  type StopCause,
} from "@agentcore/contract";
import type { AttemptMeter, CallJournal, MeterRequest } from "@agentcore/core";
import type { Account, CallCharge, CallEnd, GrantedCall } from "../account/account.ts";
import type {
  CallRequest,
  LocalResponse,
  Protocol,
  RefusalReason,
  ResponseMeter,
} from "../protocols/protocol.ts";
import { Throttle, WireCounter } from "./activity.ts";
import type { Admission } from "./admission.ts";
import type { RequestBody } from "./body.ts";
import { Call, type CallOptions } from "./call.ts";
import type { Exchange } from "./exchange.ts";
import type { UpstreamResponse, UpstreamTarget } from "./forward.ts";
import { retryAfterMs } from "./headers.ts";
import type { Pacing } from "./pacing.ts";
import { relayUnmetered } from "./unmetered.ts";

export interface AttemptOptions {
  readonly request: MeterRequest;
  readonly access: SpendGateAccess;
  readonly protocol: Protocol;
  readonly target: UpstreamTarget;
  readonly account: Account;
  readonly admission: Admission;
  readonly pacing: Pacing;
  readonly journal: CallJournal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Names that a request over the Unix socket may give as its host. */
  readonly hosts: ReadonlySet<string>;
  /** Ends the key. */
  readonly revoke: () => void;
  /** Called with each request that is refused because the attempt is being stopped. */
  readonly refusedAfterStop: () => void;
}

/** What can be ended while it is in progress. */
interface Open {
  abort(reason: RefusalReason | null): void;
  readonly done: Promise<unknown>;
}

export class Attempt implements AttemptMeter {
  readonly access: SpendGateAccess;
  readonly protocol: Protocol;
  readonly target: UpstreamTarget;
  readonly account: Account;
  readonly journal: CallJournal;
  readonly clock: Clock;
  readonly log: Log;
  readonly hosts: ReadonlySet<string>;
  readonly wire: WireCounter;
  readonly #options: AttemptOptions;
  readonly #request: MeterRequest;
  readonly #open = new Set<Open>();
  readonly #admission: Admission;
  readonly #spendingThrottle: Throttle;
  readonly #ignoreSignal: () => void;
  /** Calls whose end the journal does not have, with what it has of them: the most that they can cost. */
  readonly #unwritten = new Map<string, { readonly ended: ProviderCall; readonly begun: ProviderCall }>();
  readonly #unpriced: ProviderCall[] = [];
  /** The attempt is over: what later requests get. */
  #ending: { readonly reason: RefusalReason; readonly answer: LocalResponse } | null = null;
  #closing: Promise<MeteredSpending> | null = null;
  #isSeen = false;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#request = options.request;
    this.access = options.access;
    this.protocol = options.protocol;
    this.target = options.target;
    this.account = options.account;
    this.journal = options.journal;
    this.clock = options.clock;
    this.log = options.log;
    this.hosts = options.hosts;
    this.wire = new WireCounter(
      options.clock,
      () => this.account.identicalCalls,
      (activity) => this.#request.listener.onActivity(activity),
    );
    this.#admission = options.admission;
    this.#spendingThrottle = new Throttle(options.clock);
    this.#ignoreSignal = this.#request.permit.signal.onChange(({ reason }) => this.#stopped(reason));
  }

  /** A request with the attempt's key has come: the worker does use the gate. */
  seen(): void {
    if (this.#isSeen) return;
    this.#isSeen = true;
    this.wire.report();
  }

  /** A request of the worker that may be forwarded free of charge. */
  async unmetered(exchange: Exchange, path: string, body: RequestBody): Promise<void> {
    if (this.#isOver(exchange)) return;
    const upstream = new AbortController();
    const done = relayUnmetered(this, exchange, { path, body, upstream });
    await this.#track({ abort: () => upstream.abort(), done });
  }

  /** A request that costs something. It counts as waiting from here on, also while it is held back. */
  async metered(exchange: Exchange, path: string, body: RequestBody, isUnlimited: boolean): Promise<void> {
    if (this.#isOver(exchange)) return;
    const request = this.protocol.readRequest(body.decoded);
    if (request === null) return exchange.answer(this.protocol.malformed());
    const wire = this.wire.begin();
    try {
      await this.#inTurn({ attempt: this, exchange, path, body, request, isUnlimited, wire });
    } finally {
      wire.ended();
    }
  }

  /** Whether the attempt takes no more requests. This one has then been answered. */
  #isOver(exchange: Exchange): boolean {
    if (this.#ending === null) return false;
    if (this.#ending.reason.kind === "key") this.#options.refusedAfterStop();
    exchange.answer(this.#ending.answer);
    return true;
  }

  async #inTurn(asked: Omit<CallOptions, "grant">): Promise<void> {
    const { exchange, request, isUnlimited } = asked;
    const turn = new AbortController();
    exchange.gone.addEventListener("abort", () => turn.abort(), { once: true });
    const granted = await this.#track({
      abort: () => turn.abort(),
      done: this.#turn(request, isUnlimited, turn.signal),
    });
    if (granted === null || this.#ending !== null || exchange.gone.aborted) {
      if (granted !== null) this.forget(granted.grant.callId);
      granted?.used(0);
      if (!exchange.gone.aborted) exchange.answer((this.#ending ?? this.#over("it is being stopped")).answer);
      return;
    }
    const { grant, used } = granted;
    const call = new Call({ ...asked, grant });
    used(await this.#track({ abort: (reason) => call.abort(reason), done: call.run() }));
  }

  /** Waits until the request may be forwarded. Null: it may not, because the attempt is over or the worker is gone. */
  async #turn(
    request: CallRequest,
    isUnlimited: boolean,
    signal: AbortSignal,
  ): Promise<{ readonly grant: GrantedCall; readonly used: (tokens: number) => void } | null> {
    const used = await this.#options.pacing.turn(request.model, Math.ceil(request.inputBytes / 4), signal);
    const begun = await this.#admission.begin(
      () => this.account.begin(request, isUnlimited ? { limitsOutput: false } : {}),
      signal,
    );
    if (begun?.kind === "granted") return { grant: begun, used };
    used(0);
    if (begun !== null) this.#end(begun.reason, this.protocol.refusal(begun.reason));
    return null;
  }

  async #track<T>(open: { abort: Open["abort"]; done: Promise<T> }): Promise<T> {
    this.#open.add(open);
    try {
      return await open.done;
    } finally {
      this.#open.delete(open);
    }
  }

  // For its calls.

  /** The record of a call that begins. */
  recordOf(request: CallRequest, grant: GrantedCall): ProviderCall {
    const { permit, upstream } = this.#request;
    return {
      id: this.#options.ids.next(),
      permitId: permit.id,
      jobId: permit.jobId,
      attempt: permit.attempt,
      provider: upstream.provider,
      protocol: upstream.protocol,
      model: request.model,
      startedAt: this.clock.now(),
      endedAt: null,
      outcome: "open",
      status: null,
      usage: null,
      costMicroUsd: grant.holdMicroUsd,
      tokens: grant.holdTokens,
      estimated: true,
      priceSource: grant.priceSource,
    };
  }

  /** Counts what a response has used so far. Returns why it must be cut, or null. */
  progress(callId: number, meter: ResponseMeter): RefusalReason | null {
    const verdict = this.account.progress(callId, {
      usage: meter.usage(),
      missing: meter.missing(),
      visibleOutputBytes: meter.visibleOutputBytes(),
    });
    if (this.#spendingThrottle.isDue()) this.#tellSpending();
    return verdict === "cut" ? this.account.stopped : null;
  }

  /** Charges a call and records its end. Resolves with whether the end is in the journal. Never rejects. */
  async settle(
    begun: ProviderCall,
    callId: number,
    end: CallEnd,
  ): Promise<{ readonly tokens: number; readonly isWritten: boolean }> {
    const charge = this.#chargeOf(begun, callId, end);
    if (charge === null) return { tokens: begun.tokens, isWritten: false };
    const ended: ProviderCall = {
      ...begun,
      ...charge,
      endedAt: this.clock.now(),
      outcome: end.outcome,
      status: end.status,
      usage: end.usage,
    };
    this.#unwritten.set(begun.id, { begun, ended });
    this.#tellSpending();
    return { tokens: charge.tokens, isWritten: await this.#write(ended) };
  }

  /** Null if the usage cannot be priced: the call stays open in the journal, and counts with the most that it can cost. */
  #chargeOf(begun: ProviderCall, callId: number, end: CallEnd): CallCharge | null {
    try {
      return this.account.end(callId, end);
    } catch (error) {
      this.log.error(
        { ...this.#about, call: begun.id, error: errorText(error) },
        "a call cannot be charged by its usage",
      );
      this.#unpriced.push(begun);
      return null;
    }
  }

  /** A call that was granted is not forwarded. */
  forget(callId: number): void {
    const nothing = {
      usage: null,
      visibleOutputBytes: 0,
      status: null,
      isFinal: false,
      wasSent: false,
      hasFault: false,
    };
    this.account.end(callId, { ...nothing, outcome: "failed" });
  }

  async #write(ended: ProviderCall): Promise<boolean> {
    try {
      await this.journal.end(ended);
      this.#unwritten.delete(ended.id);
      return true;
    } catch (error) {
      this.log.error(
        { ...this.#about, call: ended.id, error: errorText(error) },
        "the end of a call cannot be recorded",
      );
      return false;
    }
  }

  /** The provider refused a request. */
  refusedByProvider({ status, headers }: UpstreamResponse, model: string | null): void {
    const waitMs = retryAfterMs(headers, this.clock.now());
    const isOverload = status === 429 || status === 529 || (status === 503 && waitMs !== null);
    if (!isOverload) return;
    if (waitMs !== null) this.#options.pacing.pause(model, waitMs);
    const { provider } = this.#request.upstream;
    this.#request.listener.onRefusal({ provider, model, status, retryAfterMs: waitMs });
  }

  /** Ends a response because of a ceiling, in the way that the protocol's agents understand. */
  async endResponse(exchange: Exchange, reason: RefusalReason): Promise<void> {
    const { bytes, afterwards } = this.protocol.cut(reason);
    if (stops.has(reason.kind)) this.#end(reason, afterwards);
    if (!exchange.hasStarted) return exchange.answer(afterwards);
    if (!exchange.isStream || exchange.isOpenEnded) return exchange.break();
    if (bytes.length > 0) await exchange.write(bytes).catch(() => {});
    exchange.end();
  }

  connectionMessage(error: unknown): string {
    if (isAgentCoreError(error) && error.code === "AC_CREDENTIAL_UNAVAILABLE") return error.message;
    const code = errorCode(error) ?? errorCode((error as { cause?: unknown } | null)?.cause);
    return `The spend gate has no response of the provider ${this.target.provider}${code === undefined ? "" : ` (${code})`}.`;
  }

  // As an `AttemptMeter`.

  spending(): MeteredSpending {
    return this.account.spending();
  }

  close(): Promise<MeteredSpending> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<MeteredSpending> {
    this.#options.revoke();
    this.#ignoreSignal();
    this.#ending ??= this.#over("its permit has ended");
    this.#abortAll(null);
    while (this.#open.size > 0) await Promise.allSettled([...this.#open].map((open) => open.done));
    // The storage may be back.
    for (const { ended } of this.#unwritten.values()) await this.#write(ended);
    const unpriced = this.#unpriced.map((begun) => ({ begun, ended: { costMicroUsd: 0, tokens: 0 } }));
    return [...this.#unwritten.values(), ...unpriced].reduce(withBound, this.account.spending());
  }

  /** The runtime stops the attempt. */
  #stopped(cause: StopCause): void {
    if (this.#ending !== null) return;
    this.#ending = this.#over(`it is being stopped: ${cause.message}`);
    this.#abortAll(null);
  }

  #over(why: string): { readonly reason: RefusalReason; readonly answer: LocalResponse } {
    const reason: RefusalReason = {
      kind: "key",
      message: `The attempt takes no more requests, because ${why}.`,
    };
    return { reason, answer: this.protocol.refusal(reason) };
  }

  /** A limit of the attempt is reached: the runtime stops it. */
  #end(reason: RefusalReason, answer: LocalResponse): void {
    if (this.#ending !== null) return;
    this.#ending = { reason, answer };
    this.#abortAll(reason);
    const cause = causeOf(reason, this.account.spending());
    this.log.info({ ...this.#about, code: cause.code }, reason.message);
    this.#request.listener.onStop(cause);
  }

  #abortAll(reason: RefusalReason | null): void {
    for (const open of this.#open) open.abort(reason);
  }

  #tellSpending(): void {
    this.#request.listener.onSpending(this.account.spending());
  }

  get #about() {
    const { id, jobId, attempt } = this.#request.permit;
    return { permit: id, job: jobId, attempt };
  }
}

/** Reasons after which no request of the attempt can succeed. */
const stops: ReadonlySet<RefusalReason["kind"]> = new Set(["cost_ceiling", "token_ceiling", "calls", "loop"]);

function causeOf({ kind, message }: RefusalReason, spending: MeteredSpending): StopCause {
  const { costMicroUsd, tokens, calls } = spending;
  const evidence = { costMicroUsd, tokens, calls };
  if (kind === "loop") return { kind: "stalled", code: "AC_LOOP_DETECTED", message, evidence };
  const code =
    kind === "token_ceiling" ? "AC_TOKEN_CEILING" : kind === "calls" ? "AC_CALL_CEILING" : "AC_COST_CEILING";
  return { kind: "budget", code, message, evidence };
}

type Amounts = Pick<ProviderCall, "costMicroUsd" | "tokens">;

/** A call that the journal has as open is charged as it would be after a crash. */
function withBound(
  spending: MeteredSpending,
  { begun, ended }: { readonly begun: Amounts; readonly ended: Amounts },
): MeteredSpending {
  return {
    ...spending,
    costMicroUsd: spending.costMicroUsd + Math.max(0, begun.costMicroUsd - ended.costMicroUsd),
    tokens: spending.tokens + Math.max(0, begun.tokens - ended.tokens),
    estimated: true,
  };
}
