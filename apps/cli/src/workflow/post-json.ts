/** Sends a JSON document to a webhook. */

/** Resolves with the HTTP status. Follows no redirects: they could lead a secret elsewhere. */
export async function postJson(url: string, body: string, signal: AbortSignal): Promise<number> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
  await response.body?.cancel();
  return response.status;
}
