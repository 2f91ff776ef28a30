/** The provider: streams messages as the latest script says. Each event has the time at which it was written. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Listening, Script } from "./messages.ts";

let script: Script = { events: 1, gapMs: 0, isHeld: false };
let changed = Promise.withResolvers<void>();
/** About as long as a provider's event of some tokens. */
const filler = "lorem ipsum dolor ";

const event = (type: string, data: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

const opening =
  event("message_start", {
    message: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude-sonnet-5",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 500, output_tokens: 1 },
    },
  }) + event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
const ending = (tokens: number): string =>
  event("content_block_stop", { index: 0 }) +
  event("message_delta", {
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: tokens },
  }) +
  event("message_stop", { sent: `@${process.hrtime.bigint()}@` });

async function answer(response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.write(opening);
  while (script.isHeld) await changed.promise;
  const { events, gapMs } = script;
  for (let n = 0; n < events && !response.destroyed; n += 1) {
    if (gapMs > 0) await pause(gapMs);
    const text = `${filler}@${process.hrtime.bigint()}@`;
    const isTaken = response.write(
      event("content_block_delta", { index: 0, delta: { type: "text_delta", text } }),
    );
    if (!isTaken) await once(response, "drain");
  }
  if (gapMs > 0) await pause(gapMs);
  response.end(ending(events * 5));
}

const server = createServer((request, response) => {
  response.on("error", () => {});
  request.resume().on("end", () => void answer(response).catch(() => response.destroy()));
});
server.keepAliveTimeout = 60_000;
process.on("message", (next: Script) => {
  script = next;
  changed.resolve();
  changed = Promise.withResolvers();
  process.send?.("changed");
});
process.on("disconnect", () => process.exit());
server.listen(0, "127.0.0.1", 4096);
await once(server, "listening");
const { port } = server.address() as AddressInfo;
process.send?.({ url: `http://127.0.0.1:${port}`, keys: [{ "x-api-key": "none" }] } satisfies Listening);
