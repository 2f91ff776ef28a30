/** Opens the addresses of the API. Every failure is `AC_ADDRESS_UNAVAILABLE` with the address in its message. */
import { AgentCoreError, errorCode, errorText, ifMissing } from "@agentcore/contract";
import { lstat, unlink } from "node:fs/promises";
import type { Server } from "node:http";
import { connect, type AddressInfo } from "node:net";

/** The kernel's limit is 108 with the final NUL on Linux, 104 on macOS. */
const socketPathBytesMax = 103;

/** Replaces the socket of a process that is gone; one that answers is in use. Only the owner may open it. */
export async function listenOnSocket(server: Server, path: string): Promise<Server> {
  if (Buffer.byteLength(path) > socketPathBytesMax) {
    throw addressError(path, `the path has more than ${socketPathBytesMax} bytes`);
  }
  await removeStale(path);
  // The file is made in the call, so that it never has another mode.
  const before = process.umask(0o177);
  const listening = listenTo(server, () => server.listen(path), path);
  process.umask(before);
  await listening;
  return server;
}

/** Returns its URL. */
export async function listenOnTcp(server: Server, host: string, port: number): Promise<string> {
  await listenTo(server, () => server.listen({ host, port, exclusive: true }), `${host}:${port}`);
  const { address, port: bound, family } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`;
}

function listenTo(server: Server, listen: () => void, address: string): Promise<void> {
  const listening = Promise.withResolvers<void>();
  const failed = (error: Error): void => listening.reject(addressError(address, reasonOf(error), error));
  server.once("error", failed);
  server.once("listening", () => {
    server.off("error", failed);
    listening.resolve();
  });
  listen();
  return listening.promise;
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(ifMissing(null));
  if (found === null) return;
  if (!found.isSocket()) throw addressError(path, "the file there is no socket");
  if (await answers(path)) throw addressError(path, "another process uses it");
  await unlink(path).catch(ifMissing(undefined));
}

function answers(path: string): Promise<boolean> {
  const answer = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once("connect", () => answer.resolve(true));
  // Whatever else is wrong than that nobody listens, it is not ours to remove.
  socket.once("error", (error) => answer.resolve(errorCode(error) !== "ECONNREFUSED"));
  return answer.promise.finally(() => socket.destroy());
}

function reasonOf(error: Error): string {
  if (errorCode(error) === "EADDRINUSE") return "another process uses it";
  if (errorCode(error) === "EACCES") return "it may not be opened by this user";
  return errorText(error);
}

const addressError = (address: string, why: string, cause?: unknown): AgentCoreError =>
  new AgentCoreError("AC_ADDRESS_UNAVAILABLE", `the API cannot be opened at ${address}: ${why}`, {
    evidence: { address },
    cause,
  });
