/** The spend gate: listens, makes a meter for each attempt, and shares what all attempts share. */
import {
  AgentCoreError,
  silentLog,
  type Clock,
  type Ids,
  type Log,
  type OwnPrices,
  type RefusedKeys,
  type Upstream,
} from "@agentcore/contract";
import {
  microUsdOf,
  type AttemptMeter,
  type CallJournal,
  type MeterRequest,
  type RefusedKeyReport,
  type SpendGate,
} from "@agentcore/core";
import { Account } from "./account/index.ts";
import type { ProviderConfig, ProvidersConfig } from "./config.ts";
import { loadPriceBook, type PriceBook, type PriceBookOptions } from "./prices/index.ts";
import { protocols, withoutAsking } from "./protocols/index.ts";
import { Admission } from "./proxy/admission.ts";
import { Attempt } from "./proxy/attempt.ts";
import { CredentialSource, type RunCommand } from "./proxy/credentials.ts";
import type { TargetCredential, UpstreamTarget } from "./proxy/forward.ts";
import { createHandler } from "./proxy/handler.ts";
import { KeyRing } from "./proxy/keys.ts";
import { listen, type Listeners } from "./proxy/listeners.ts";
import { Pacing } from "./proxy/pacing.ts";
import { RefusedKeyCounts } from "./proxy/refused-keys.ts";
import { UpstreamPool } from "./proxy/upstreams.ts";

export interface SpendGateOptions {
  /** The section `providers` of the configuration. Default: all is as each worker's own settings say. */
  readonly providers?: ProvidersConfig | undefined;
  /** The user's own prices. */
  readonly prices?: OwnPrices | undefined;
  /** `zero`: a model without a price costs nothing. Default: it costs as much as the dearest model like it. */
  readonly unpriced?: PriceBookOptions["unpriced"];
  readonly journal: CallJournal;
  /** Directory of the Unix socket: absolute, made with mode 0700 if it is missing. */
  readonly directory: string;
  /** The environment: credentials that the configuration names, and `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Default: nothing is logged. */
  readonly log?: Log | undefined;
  /** Runs the commands of credentials in a shell. Absent: a provider with such a credential is refused. */
  readonly runCommand?: RunCommand | undefined;
}

/** Listens from the first `open` to `close`. */
export function createSpendGate(options: SpendGateOptions): SpendGate {
  return new LocalSpendGate(options);
}

class LocalSpendGate implements SpendGate {
  readonly #options: SpendGateOptions;
  readonly #providers: ProvidersConfig;
  readonly #log: Log;
  readonly #keys = new KeyRing<Attempt>();
  readonly #refused: RefusedKeyCounts;
  readonly #attempts = new Set<Attempt>();
  readonly #pool: UpstreamPool;
  readonly #pacings = new Map<string, Pacing>();
  readonly #sources = new Map<string, CredentialSource>();
  #listeners: Promise<Listeners> | null = null;
  #prices: Promise<PriceBook> | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: SpendGateOptions) {
    this.#options = options;
    this.#providers = options.providers ?? {};
    this.#log = options.log ?? silentLog;
    this.#refused = new RefusedKeyCounts(options.clock);
    this.#pool = new UpstreamPool(options.env);
  }

  async open(request: MeterRequest): Promise<AttemptMeter> {
    const [prices, target, { url, socketPath }] = await Promise.all([
      (this.#prices ??= loadPriceBook(this.#options)),
      this.#targetOf(request.upstream),
      (this.#listeners ??= this.#listen()),
    ]);
    // A credential that is missing is one clear error here, and a riddle in the worker's output.
    await target.credential.current();
    if (this.#closing !== null) throw new AgentCoreError("AC_DRAINING", "the spend gate is closed");
    return this.#attempt(request, target, prices, { url, socketPath });
  }

  refusedKeys(): RefusedKeys {
    return this.#refused.counts();
  }

  onRefusedKeys(listener: (report: RefusedKeyReport) => void): void {
    this.#refused.onReport = listener;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#attempts].map((attempt) => attempt.close()));
    const listeners = await this.#listeners?.catch(() => null);
    await listeners?.close();
    await this.#pool.close();
  }

  #attempt(
    request: MeterRequest,
    target: UpstreamTarget,
    prices: PriceBook,
    address: Pick<Listeners, "url" | "socketPath">,
  ): Attempt {
    const { clock, ids, journal } = this.#options;
    const { permit, upstream, limits } = request;
    const { provider, protocol } = upstream;
    const config = this.#configOf(provider);
    const { maxCostUsd, maxTokens } = permit.grants;
    const admission = new Admission();
    const account = new Account({
      ceilingMicroUsd: maxCostUsd === null ? null : microUsdOf(maxCostUsd),
      maxTokens,
      limits,
      priceOf: (model) =>
        prices.priceOf({ provider, protocol, model, at: clock.now(), stated: upstream.price }),
      outputBound: config?.output_bound,
      // The service behind a ChatGPT login refuses a limit of output.
      limitsOutput: !(protocol === "openai-responses" && upstream.credential.kind === "own-login"),
      onRoom: admission.madeRoom,
    });
    const owner = { jobId: permit.jobId, attempt: permit.attempt };
    const issued = this.#keys.issue(owner);
    const attempt: Attempt = new Attempt({
      request,
      access: { ...address, key: issued.key },
      protocol: config?.ask_for_usage === false ? withoutAsking(protocols[protocol]) : protocols[protocol],
      target,
      account,
      admission,
      pacing: this.#pacingOf(provider),
      journal,
      clock,
      ids,
      log: this.#log,
      hosts: new Set([target.baseUrl.hostname, new URL(upstream.baseUrl).hostname]),
      refusedAfterStop: () => this.#refused.note("stopping", owner),
      revoke: () => {
        issued.revoke();
        this.#attempts.delete(attempt);
      },
    });
    issued.assign(attempt);
    this.#attempts.add(attempt);
    return attempt;
  }

  async #targetOf(upstream: Upstream): Promise<UpstreamTarget> {
    const { provider } = upstream;
    const config = this.#configOf(provider);
    const address = config?.base_url ?? upstream.baseUrl;
    if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
      throw new AgentCoreError(
        "AC_CONFIG_INVALID",
        `the address of the provider ${provider} is not an http or https address; set providers.${provider}.base_url`,
      );
    }
    const dispatcher = await this.#pool.of(provider, config, address);
    return {
      provider,
      dispatcher,
      baseUrl: new URL(address),
      credential: this.#credentialOf(upstream, config),
    };
  }

  #credentialOf(
    { provider, protocol, credential }: Upstream,
    config: ProviderConfig | undefined,
  ): TargetCredential {
    const configured = config?.credential;
    if (configured !== undefined && !("login" in configured)) {
      const key = `${protocol} ${provider}`;
      const source =
        this.#sources.get(key) ?? new CredentialSource(provider, configured, protocol, this.#options);
      this.#sources.set(key, source);
      return source;
    }
    const isHeader = credential.kind === "header" && configured === undefined;
    const header = isHeader ? { name: credential.name.toLowerCase(), value: credential.value } : null;
    return { current: async () => header, refused: () => {} };
  }

  #pacingOf(provider: string): Pacing {
    const pacing =
      this.#pacings.get(provider) ?? new Pacing(this.#configOf(provider) ?? {}, this.#options.clock);
    this.#pacings.set(provider, pacing);
    return pacing;
  }

  #configOf(provider: string): ProviderConfig | undefined {
    return Object.hasOwn(this.#providers, provider) ? this.#providers[provider] : undefined;
  }

  async #listen(): Promise<Listeners> {
    const { directory } = this.#options;
    try {
      const handler = createHandler({ keys: this.#keys, refused: this.#refused, log: this.#log });
      return await listen({ directory, handler });
    } catch (error) {
      // The next attempt tries again.
      this.#listeners = null;
      throw error;
    }
  }
}
