/**
 * The messages of `agentcore runtime --stdio`: JSON-RPC 2.0, one JSON object per line, UTF-8, at most `wireMessageBytesMax`
 * bytes. The scheduler is the client, the runtime the server; both send notifications. `docs/wire.md` explains the flow for
 * a scheduler in another language. A message that is malformed, oversized, unknown or out of order gets an error reply and
 * changes nothing.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";
import { defenseStageSchema, loadReportSchema } from "./runtime.ts";
import { evidenceSchema, permitRecordSchema, permitRequestSchema } from "./permit.ts";
import { workerResultSchema } from "./result.ts";
import { workerTaskSchema } from "./task.ts";
import { workerEventSchema } from "./worker-event.ts";

/** Protocol versions that this package supports, newest first. */
export const wireProtocolVersions = [3, 2, 1] as const;
/** Longest message either side accepts: 8 MiB. */
export const wireMessageBytesMax = 8 * 1024 * 1024;
/** Maximum of unacknowledged events of one execution; later events wait. */
export const wireEventWindow = 1024;
/** Interval of the runtime's heartbeat in ms. A client that misses several considers the runtime dead. */
export const wireHeartbeatMs = 1000;

/** Error codes of JSON-RPC, and the code for errors of AgentCore, whose `data` has the details. */
export const wireErrorCodes = {
  parse: -32700,
  invalidRequest: -32600,
  unknownMethod: -32601,
  invalidParams: -32602,
  internal: -32603,
  agentcore: -32000,
} as const;

export const runIdentitySchema = lazySchema(() =>
  z.strictObject({
    marker: z.string(),
    implementation: z.string(),
    hostPid: z.int(),
    hostPidStartTicks: z.number().nullable(),
    pidNamespace: z.string().nullable(),
    cgroupPath: z.string().nullable(),
    bootId: z.string().nullable(),
    spendsOnlyByGate: z.literal(true).optional(),
  }),
);

const denial = { code: z.string(), message: z.string(), evidence: evidenceSchema };

export const permitDecisionSchema = lazySchema(() =>
  z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("granted"), permit: permitRecordSchema }),
    z.strictObject({ kind: z.literal("deferred"), retryAfterMs: z.number().nonnegative(), ...denial }),
    z.strictObject({ kind: z.literal("rejected"), ...denial }),
  ]),
);

const party = z.strictObject({ name: z.string(), version: z.string() });
const permitRef = { permitId: z.string().min(1) };
const nothing = z.null();

/**
 * Requests of the client. `execute` returns when the execution has ended; all others return at once, except `drain` and
 * `shutdown`.
 */
export const wireRequests = {
  /** The first message; any earlier message is refused with `AC_WIRE_NOT_READY`. */
  initialize: {
    params: z.strictObject({ protocolVersions: z.array(z.int()).min(1), client: party }),
    result: z.strictObject({
      protocolVersion: z.int(),
      server: party,
      heartbeatMs: z.number(),
      eventWindow: z.int(),
      load: loadReportSchema,
    }),
  },
  "permit/request": { params: permitRequestSchema, result: permitDecisionSchema },
  "permit/release": { params: z.strictObject(permitRef), result: nothing },
  execute: { params: z.strictObject({ ...permitRef, task: workerTaskSchema }), result: workerResultSchema },
  cancel: {
    params: z.union([
      z.strictObject({ ...permitRef, reason: z.string(), force: z.boolean().optional() }),
      /** In version 1. */
      z.strictObject({ ...permitRef, message: z.string(), immediate: z.boolean().optional() }),
    ]),
    result: nothing,
  },
  load: { params: z.strictObject({}), result: loadReportSchema },
  /** Grants no more permits; returns when the last execution has ended. */
  drain: { params: z.strictObject({}), result: nothing },
  /**
   * Cancels all runs, proves them gone, replies and exits. The end of stdin does the same, and puts finished results into
   * the spool.
   */
  shutdown: { params: z.strictObject({}), result: nothing },
} as const;
export type WireMethod = keyof typeof wireRequests;
export type WireParams<M extends WireMethod> = z.infer<(typeof wireRequests)[M]["params"]>;
export type WireResult<M extends WireMethod> = z.infer<(typeof wireRequests)[M]["result"]>;

/** Notifications of the client. */
export const wireClientNotifications = {
  /** The client has processed all events of the execution up to `seq`; the runtime may send `eventWindow` more. */
  "event/ack": z.strictObject({ ...permitRef, seq: z.int().nonnegative() }),
  "queue/report": z.strictObject({ depth: z.int().nonnegative(), oldestWaitMs: z.number().nonnegative() }),
  /**
   * Since version 3. See `Runtime.renewLease`. The lease is valid for this time from the moment of sending. `sentAtMs` is that
   * moment on the monotonic clock of the machine (`CLOCK_MONOTONIC`, in ms), so that a message that was read late extends
   * nothing.
   */
  "lease/renew": z.strictObject({ validForMs: z.number().nonnegative(), sentAtMs: z.number().nonnegative() }),
} as const;
export type WireClientNotification = keyof typeof wireClientNotifications;

/** Notifications of the runtime. */
export const wireServerNotifications = {
  started: z.strictObject({ ...permitRef, identity: runIdentitySchema }),
  /** `seq` counts from 1 within one execution, without gaps. */
  event: z.strictObject({ ...permitRef, seq: z.int().positive(), event: workerEventSchema }),
  heartbeat: loadReportSchema,
  escalation: z.strictObject({ stage: defenseStageSchema, target: z.string(), at: z.number(), ...denial }),
} as const;
export type WireServerNotification = keyof typeof wireServerNotifications;

const id = z.union([z.int(), z.string().max(128)]);

export const wireRequestEnvelopeSchema = lazySchema(() =>
  z.strictObject({
    jsonrpc: z.literal("2.0"),
    /** Absent in a notification. */
    id: id.optional(),
    method: z.string(),
    params: z.unknown().optional(),
  }),
);
export type WireRequestEnvelope = z.infer<typeof wireRequestEnvelopeSchema>;

export const wireErrorSchema = lazySchema(() =>
  z.strictObject({
    code: z.int(),
    message: z.string(),
    data: z.strictObject({ code: z.string(), cure: z.string(), evidence: evidenceSchema }).optional(),
  }),
);
export type WireError = z.infer<typeof wireErrorSchema>;

export const wireResponseEnvelopeSchema = lazySchema(() =>
  z.union([
    z.strictObject({ jsonrpc: z.literal("2.0"), id, result: z.unknown() }),
    /** `id` is null if the request's id could not be read. */
    z.strictObject({ jsonrpc: z.literal("2.0"), id: id.nullable(), error: wireErrorSchema }),
  ]),
);
export type WireResponseEnvelope = z.infer<typeof wireResponseEnvelopeSchema>;
