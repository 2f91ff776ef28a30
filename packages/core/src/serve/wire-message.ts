/**
 * Parses one line of the wire protocol into a request, a notification, or an error reply. Pure. Methods and params are
 * validated against the contract before they are used.
 */
import {
  errorCodes,
  errorText,
  isAgentCoreError,
  wireClientNotifications,
  wireErrorCodes,
  wireRequestEnvelopeSchema,
  wireRequests,
  type ErrorCode,
  type Evidence,
  type WireClientNotification,
  type WireError,
  type WireMethod,
  type WireParams,
} from "@agentcore/contract";
import { z } from "zod";

export type WireId = string | number;

/** A request of any method, with the params of that method. */
export type WireCall = {
  [M in WireMethod]: { readonly method: M; readonly params: WireParams<M> };
}[WireMethod];
export type WireNotice = {
  [N in WireClientNotification]: {
    readonly method: N;
    readonly params: z.infer<(typeof wireClientNotifications)[N]>;
  };
}[WireClientNotification];

export type WireMessage =
  | { readonly kind: "request"; readonly id: WireId; readonly call: WireCall }
  | { readonly kind: "notification"; readonly notice: WireNotice }
  | { readonly kind: "invalid"; readonly id: WireId | null; readonly error: WireError };

export function readWireMessage(text: string): WireMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = errorText(error);
    return invalid(null, wireErrorCodes.parse, "AC_WIRE_MALFORMED", `the line is not JSON: ${why}`);
  }
  const envelope = wireRequestEnvelopeSchema.safeParse(value);
  if (!envelope.success) {
    const message = `not a request of JSON-RPC 2.0: ${z.prettifyError(envelope.error)}`;
    return invalid(idOf(value), wireErrorCodes.invalidRequest, "AC_WIRE_MALFORMED", message);
  }
  const { id, method, params = {} } = envelope.data;
  return id === undefined ? readNotice(method, params) : readCall(id, method, params);
}

function readCall(id: WireId, method: string, params: unknown): WireMessage {
  if (!Object.hasOwn(wireRequests, method)) return unknownMethod(id, method);
  const parsed = wireRequests[method as WireMethod].params.safeParse(params);
  if (!parsed.success) return wrongParams(id, method, parsed.error);
  return { kind: "request", id, call: { method, params: parsed.data } as WireCall };
}

function readNotice(method: string, params: unknown): WireMessage {
  if (!Object.hasOwn(wireClientNotifications, method)) return unknownMethod(null, method);
  const parsed = wireClientNotifications[method as WireClientNotification].safeParse(params);
  if (!parsed.success) return wrongParams(null, method, parsed.error);
  return { kind: "notification", notice: { method, params: parsed.data } as WireNotice };
}

function unknownMethod(id: WireId | null, method: string): WireMessage {
  const known = id === null ? Object.keys(wireClientNotifications) : Object.keys(wireRequests);
  const message = `there is no ${id === null ? "notification" : "method"} "${method.slice(0, 100)}"`;
  return invalid(id, wireErrorCodes.unknownMethod, "AC_WIRE_UNKNOWN_METHOD", message, { known });
}

function wrongParams(id: WireId | null, method: string, error: z.ZodError): WireMessage {
  const message = `the params of ${method} are wrong: ${z.prettifyError(error)}`;
  return invalid(id, wireErrorCodes.invalidParams, "AC_WIRE_MALFORMED", message);
}

/** The id of a message that is otherwise invalid, if it has a usable one: it tells the client which message it was. */
function idOf(value: unknown): WireId | null {
  const id: unknown = typeof value === "object" && value !== null && "id" in value ? value.id : null;
  return typeof id === "string" || (typeof id === "number" && Number.isSafeInteger(id)) ? id : null;
}

function invalid(
  id: WireId | null,
  code: number,
  errorCode: ErrorCode,
  message: string,
  evidence: Evidence = {},
): WireMessage {
  return { kind: "invalid", id, error: wireError(code, errorCode, message, evidence) };
}

export function wireError(
  code: number,
  errorCode: ErrorCode,
  message: string,
  evidence: Evidence = {},
): WireError {
  return { code, message, data: { code: errorCode, cure: errorCodes[errorCode].cure, evidence } };
}

/** Converts an exception of a method to its error reply. */
export function wireErrorOf(error: unknown): WireError {
  if (isAgentCoreError(error)) {
    return wireError(wireErrorCodes.agentcore, error.code, error.message, error.evidence);
  }
  const message = errorText(error);
  return wireError(wireErrorCodes.internal, "AC_INTERNAL", message);
}
