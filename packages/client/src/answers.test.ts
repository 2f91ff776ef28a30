import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { createClient } from "./index.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("a request that is never answered ends at its limit", async () => {
  const url = await serve(() => {});
  await expect(createClient({ url, answerMs: 100 }).health()).rejects.toThrow(/does not answer:.*timeout/);
});

it("an answer that never ends is given up, too", async () => {
  const url = await serve((_, response) => void response.writeHead(200).write("{"));
  await expect(createClient({ url, answerMs: 100 }).health()).rejects.toThrow(/does not answer:.*timeout/);
});

it("a change whose answer is lost may have taken effect, and says so", async () => {
  const url = await serve((request) => void request.socket.destroy());
  await expect(createClient({ url }).drain()).rejects.toThrow("the request may have taken effect");
});

it("a change that found no daemon says nothing of the kind", async () => {
  const url = await serve(() => {});
  for (const end of ends.splice(0)) end();
  const message = await createClient({ url })
    .drain()
    .catch((error: Error) => error.message);
  expect(message).toMatch(/does not answer: .*ECONNREFUSED/);
  expect(message).not.toMatch("effect");
  await expect(createClient({ url: "unix:///run/no-such-agentcore.sock" }).drain()).rejects.not.toThrow(
    "effect",
  );
});
