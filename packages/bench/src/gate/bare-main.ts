/**
 * The floor of every proxy on Node: passes requests on and pipes the responses back. With `journal` as its second argument
 * it reads the request and records its start first, as the spend gate does, and nothing else.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, createServer, request as sendRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { systemIds } from "@agentcore/contract";
import { openCall } from "@agentcore/core/testing";
import { createSqliteCallJournal, openStateDatabase } from "@agentcore/store-sqlite";
import type { Listening } from "./messages.ts";

const [upstreamUrl = "", isJournaled] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
process.on("disconnect", () => process.exit());

const journal =
  isJournaled === undefined ? null : createSqliteCallJournal(await openStateDatabase({ directory }));
const agent = new Agent({ keepAlive: true });

async function bodyOf(request: IncomingMessage): Promise<IncomingMessage | Buffer> {
  if (journal === null) return request;
  const body = await buffer(request);
  await journal.begin(openCall({ id: systemIds.next() }));
  return body;
}

const server = createServer((request, response) => {
  void bodyOf(request).then((body) => {
    const { method, headers, url } = request;
    const onward = sendRequest(`${upstreamUrl}${url}`, { agent, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    if (Buffer.isBuffer(body)) onward.end(body);
    else body.pipe(onward);
  });
});
server.listen(0, "127.0.0.1", 4096);
await once(server, "listening");
const { port } = server.address() as AddressInfo;
process.send?.({ url: `http://127.0.0.1:${port}`, keys: [{ "x-api-key": "none" }] } satisfies Listening);
