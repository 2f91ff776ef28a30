/**
 * The floor of every proxy on Node: passes requests on and pipes the responses back. With `journal` as its second argument
 * it reads the request and records its start first, and its end before the response ends, as the spend gate does, and nothing
 * else.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import {
  Agent,
  createServer,
  request as sendRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { systemIds } from "@agentcore/contract";
import { endedCall, openCall } from "@agentcore/core/testing";
import { createSqliteCallJournal, openStateDatabase } from "@agentcore/store-sqlite";
import type { Listening } from "./messages.ts";

const [upstreamUrl = "", isJournaled] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
process.on("disconnect", () => process.exit());

const journal =
  isJournaled === undefined ? null : createSqliteCallJournal(await openStateDatabase({ directory }));
const agent = new Agent({ keepAlive: true });

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, headers, url } = request;
  const call = openCall({ id: systemIds.next() });
  const body = journal === null ? null : await buffer(request);
  await journal?.begin(call);
  const onward = sendRequest(`${upstreamUrl}${url}`, { agent, method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response, { end: journal === null });
    if (journal !== null)
      answer.on("end", () => void journal.end(endedCall(call)).then(() => response.end()));
  });
  onward.on("error", () => response.destroy());
  if (body === null) request.pipe(onward);
  else onward.end(body);
}

const server = createServer((request, response) => void serve(request, response));
server.listen(0, "127.0.0.1", 4096);
await once(server, "listening");
const { port } = server.address() as AddressInfo;
process.send?.({ url: `http://127.0.0.1:${port}`, keys: [{ "x-api-key": "none" }] } satisfies Listening);
