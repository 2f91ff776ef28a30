/** Maps OpenCode's `error` line to an error class, by status and headers of the provider's response if there was one. */
import type { WorkerError } from "@agentcore/contract";
import {
  numberAt,
  objectAt,
  providerError,
  retryAfterMs,
  stringAt,
  type JsonObject,
} from "@agentcore/worker-kit";

/** Error names that are more specific than their message. */
const classByName: Readonly<Record<string, WorkerError["class"]>> = {
  ProviderAuthError: "auth",
  ProviderModelNotFoundError: "invalid_request",
  ProviderInitError: "invalid_request",
  ContextOverflowError: "invalid_request",
  MessageOutputLengthError: "task_failed",
  MessageAbortedError: "worker_crashed",
};

/** The form of an error before the first request to the model, such as an unknown model. */
const refusedBeforehand = "Unexpected server error";

export function failureOf(line: JsonObject, anyStep: boolean): WorkerError {
  const name = stringAt(line, "error", "name") ?? "";
  const message = stringAt(line, "error", "data", "message") ?? stringAt(line, "error", "message") ?? name;
  const plain = { message: message === "" ? "OpenCode failed without a reason" : message };
  const status = numberAt(line, "error", "data", "statusCode");
  const byName = Object.hasOwn(classByName, name) ? classByName[name] : undefined;
  if (byName !== undefined) return { class: byName, ...plain, status, retryAfterMs: null };
  if (status === null && message.startsWith(refusedBeforehand)) {
    return {
      class: anyStep ? "worker_crashed" : "invalid_request",
      message: anyStep
        ? message
        : `${message} (before the first request: a model that it does not know does this)`,
      status,
      retryAfterMs: null,
    };
  }
  return providerError({
    ...plain,
    status,
    retryAfterMs: retryAfterMs(objectAt(line, "error", "data", "responseHeaders")),
  });
}
