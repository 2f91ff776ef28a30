/**
 * The spend gate, as its parts see it. It is a metering proxy in the runtime's process: the worker of an attempt gets the
 * address and a key that is valid as long as the attempt's permit, the gate forwards its requests with the provider's real
 * credential, and counts what every response uses.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";

/** The APIs of providers that the gate meters. */
export const providerProtocols = ["anthropic-messages", "openai-responses", "openai-chat"] as const;
export const providerProtocolSchema = z.enum(providerProtocols);
export type ProviderProtocol = z.infer<typeof providerProtocolSchema>;

/** Whether workers reach their provider through the gate. */
export const spendGateModes = ["auto", "required", "off"] as const;
export type SpendGateMode = (typeof spendGateModes)[number];

/**
 * Why the gate refuses the key of a request. `missing`: there is none. `unknown`: no attempt of this runtime has, or lately had,
 * this key. `ended`: the permit of its attempt has ended. `earlier_attempt`: so has it, and a later attempt of the same job runs.
 * `stopping`: its attempt is being stopped.
 */
export const refusedKeyKinds = ["missing", "unknown", "ended", "earlier_attempt", "stopping"] as const;
export type RefusedKeyKind = (typeof refusedKeyKinds)[number];

const requests = z.int().nonnegative().default(0);
export const refusedKeysSchema = lazySchema(() =>
  z.strictObject({
    missing: requests,
    unknown: requests,
    ended: requests,
    earlier_attempt: requests,
    stopping: requests,
  } satisfies Record<RefusedKeyKind, typeof requests>),
);
/** Requests that were refused for their key since the runtime was started, by kind. */
export type RefusedKeys = Readonly<Record<RefusedKeyKind, number>>;

export const noRefusedKeys: RefusedKeys = {
  missing: 0,
  unknown: 0,
  ended: 0,
  earlier_attempt: 0,
  stopping: 0,
};

/** How the worker of one attempt reaches the gate. */
export interface SpendGateAccess {
  /** `http://127.0.0.1:PORT`, without a path. What follows is the provider's own path, such as `/v1/messages`. */
  readonly url: string;
  /** Absolute path of a Unix socket that serves the same. */
  readonly socketPath: string;
  /**
   * Sent instead of the provider's key, as `x-api-key` or `Authorization: Bearer`, or in {@link spendGateKeyHeader} beside the
   * worker's own login. It ends with the permit.
   */
  readonly key: string;
}

/** Header with the gate's key, for a worker whose `Authorization` is its own login. */
export const spendGateKeyHeader = "x-agentcore-key";

/** Where the gate sends the requests of an attempt. */
export interface Upstream {
  /** Provider whose prices, limits and configuration apply, such as `anthropic`. */
  readonly provider: string;
  readonly protocol: ProviderProtocol;
  /** Without a trailing slash. The path of a request is appended. */
  readonly baseUrl: string;
  /**
   * `header`: the gate sets it in every request. `own-login`: the worker's own `Authorization` is passed on unmodified; the
   * gate stores nothing of it. `none`: the provider asks for no credential.
   */
  readonly credential:
    | { readonly kind: "header"; readonly name: string; readonly value: string }
    | { readonly kind: "own-login" }
    | { readonly kind: "none" };
  /**
   * Price of every model there, in US dollars per million tokens, if the worker's settings state one. Absent: the price of
   * the provider's model. `cachedInput` defaults to `input`.
   */
  readonly price?: {
    readonly input: number;
    readonly cachedInput?: number | undefined;
    readonly output: number;
  };
}

/**
 * What one response used. The kinds of input do not overlap: together they are all input tokens. Reasoning is a part of the
 * output.
 */
export const callUsageSchema = lazySchema(() =>
  z.strictObject({
    inputTokens: z.int().nonnegative(),
    cacheReadTokens: z.int().nonnegative(),
    /** Written to a cache that lives 5 minutes, and 1 hour. */
    cacheWrite5mTokens: z.int().nonnegative(),
    cacheWrite1hTokens: z.int().nonnegative(),
    outputTokens: z.int().nonnegative(),
    reasoningTokens: z.int().nonnegative(),
    /** Web searches and other tools that the provider runs and charges per call. */
    hostedToolCalls: z.int().nonnegative(),
    /** As the response names them; null if it does not. They change the price. */
    serviceTier: z.string().nullable(),
    speed: z.string().nullable(),
    region: z.string().nullable(),
  }),
);
export type CallUsage = z.infer<typeof callUsageSchema>;

export const noCallUsage: CallUsage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  hostedToolCalls: 0,
  serviceTier: null,
  speed: null,
  region: null,
};

/**
 * How a metered request ended. `open`: it has not, or the runtime died during it. `cut`: the gate ended the response because
 * the ceiling was reached. `cancelled`: the worker closed the connection. `failed`: the provider broke off or sent something
 * that is no response.
 */
export const callOutcomes = ["open", "completed", "cut", "cancelled", "failed"] as const;
export type CallOutcome = (typeof callOutcomes)[number];

/** One metered request of an attempt to its provider. Requests that the gate refused are not among them. */
export const providerCallSchema = lazySchema(() =>
  z.strictObject({
    id: z.string(),
    permitId: z.string(),
    jobId: z.string(),
    attempt: z.int().positive(),
    provider: z.string(),
    protocol: providerProtocolSchema,
    /** As the request names it; null if it does not. */
    model: z.string().nullable(),
    /** In ms since the epoch. */
    startedAt: z.number(),
    endedAt: z.number().nullable(),
    outcome: z.enum(callOutcomes),
    /** HTTP status of the provider's response; null if there was none. */
    status: z.int().nullable(),
    /** What the response reported, or what was counted until it ended; null if it reported nothing. */
    usage: callUsageSchema.nullable(),
    /** Charged for the call, in micro-dollars. While it is open: the most that it can cost. */
    costMicroUsd: z.int().nonnegative(),
    /** Tokens charged. While it is open: the most that it can use. */
    tokens: z.int().nonnegative(),
    /** True if the response did not report what it used, so that the charge is computed from what was seen, or is a bound. */
    estimated: z.boolean(),
    /** Where the price comes from and its date, such as `genai-prices 0.1.8, 2026-11-02`; null if the model has no price. */
    priceSource: z.string().nullable(),
  }),
);
export type ProviderCall = z.infer<typeof providerCallSchema>;

/** The calls of one attempt of a job, counted. */
export interface AttemptCalls {
  readonly attempt: number;
  readonly calls: number;
  /** Those of them that have not ended. */
  readonly openCalls: number;
  /** Charged for those that ended. */
  readonly costMicroUsd: number;
  readonly tokens: number;
  /** The most that the open ones can cost. */
  readonly heldMicroUsd: number;
  /** True if any that ended is charged an estimate. */
  readonly estimated: boolean;
}

/** The calls of a job. */
export interface JobCalls {
  /** The latest, of all attempts, in the order of their start. */
  readonly latest: readonly ProviderCall[];
  /** Of each attempt that made a call, in their order. */
  readonly attempts: readonly AttemptCalls[];
}

/** What the calls of an attempt cost together. */
export interface MeteredSpending {
  readonly costMicroUsd: number;
  readonly tokens: number;
  readonly usage: CallUsage;
  readonly calls: number;
  /** True if any of the calls is charged an estimate. */
  readonly estimated: boolean;
}

/** Evidence of life on the wire, for the watchdog and the live views. */
export interface WireActivity {
  /** Requests that the provider has not answered with a first byte. */
  readonly waiting: number;
  /** Responses that are being received. */
  readonly streaming: number;
  /** Bytes of responses received so far. */
  readonly bytes: number;
  /** Requests in a row that ask for the same, the last one included. Absent: not counted. */
  readonly identicalCalls?: number;
}
