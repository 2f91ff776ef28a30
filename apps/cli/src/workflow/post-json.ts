/** Sends a JSON document to a webhook. */
import { errorText } from "@agentcore/contract";

/** Resolves with the HTTP status. Follows no redirects: they could lead a secret elsewhere. */
export async function postJson(url: string, body: string, signal: AbortSignal): Promise<number> {
  const headers = { "content-type": "application/json" };
  const request = { method: "POST", headers, body, signal, redirect: "manual" } as const;
  const response = await fetch(url, request).catch((error: unknown) => {
    // The error itself only says that the request failed.
    const cause = error instanceof Error ? error.cause : undefined;
    throw cause === undefined ? error : new Error(errorText(cause), { cause: error });
  });
  await response.body?.cancel();
  return response.status;
}
