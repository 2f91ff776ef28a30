import { afterEach, expect, it, vi } from "vitest";
import { get } from "./call.ts";

afterEach(() => void vi.unstubAllGlobals());

/** An answer whose connection breaks. */
const brokenOff = (): Response =>
  new Response(
    new ReadableStream({
      start(body) {
        body.enqueue(new TextEncoder().encode('{"v":1,'));
        body.error(new TypeError("network error"));
      },
    }),
  );

const gone = {
  code: "unreachable",
  message: "The daemon does not answer.",
  cure: "Look whether it runs; agentcored FILE starts it.",
};

it.each([
  ["before an answer", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["in the middle of one", async () => brokenOff()],
])("a daemon that goes away %s does not answer", async (_when, answer) => {
  vi.stubGlobal("fetch", answer);
  await expect(get("/v1/overview")).rejects.toMatchObject(gone);
});

it("a request that nobody waits for any more ends with the reason", async () => {
  const reason = new Error("another view");
  vi.stubGlobal("fetch", () => Promise.reject(reason));
  await expect(get("/v1/overview", {}, AbortSignal.abort(reason))).rejects.toBe(reason);
});
