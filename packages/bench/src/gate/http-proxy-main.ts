/** http-proxy-3: passes requests through and counts nothing, with connections to the provider that stay. */
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { installPeers } from "../queue/install-peers.ts";
import type { Listening } from "./messages.ts";

/** As much of http-proxy-3 as is used here. */
interface HttpProxy {
  readonly createProxyServer: (options: object) => {
    on(
      event: "error",
      listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void,
    ): void;
    web(request: IncomingMessage, response: ServerResponse): void;
  };
}

process.on("disconnect", () => process.exit());
const { createProxyServer } = installPeers()("http-proxy-3") as HttpProxy;
const proxy = createProxyServer({ target: process.argv[2], agent: new Agent({ keepAlive: true }) });
proxy.on("error", (_error, _request, response) => response.destroy());
const server = createServer((request, response) => proxy.web(request, response));
server.listen(0, "127.0.0.1", 4096);
await once(server, "listening");
const { port } = server.address() as AddressInfo;
process.send?.({ url: `http://127.0.0.1:${port}`, keys: [{ "x-api-key": "none" }] } satisfies Listening);
