/**
 * Where the gate listens: a free port of the loopback interface, and a Unix socket that only this user may open. Both serve the
 * same handler.
 */
import { AgentCoreError, errorText, ifMissing, isMissing } from "@agentcore/contract";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The kernel's limit is 108 with the final NUL on Linux, 104 on macOS. */
const socketPathBytesMax = 103;
/** Time for a whole request to arrive; bodies come from this machine. */
const requestMsMax = 60_000;
const connectionsMax = 4096;

export interface Listeners {
  readonly url: string;
  readonly socketPath: string;
  close(): Promise<void>;
}

export interface ListenOptions {
  /** Directory of the socket, made if it is missing. If its path is too long for a socket, one for temporary files is used. */
  readonly directory: string;
  readonly handler: RequestListener;
  /** Default 60 s. */
  readonly requestMsMax?: number | undefined;
}

/** Rejects with `AC_ADDRESS_UNAVAILABLE`. */
export async function listen({
  directory,
  handler,
  requestMsMax: requestMs = requestMsMax,
}: ListenOptions): Promise<Listeners> {
  const servers = [serverFor(handler, requestMs), serverFor(handler, requestMs)] as const;
  const [tcp, unix] = servers;
  let place: SocketPlace | null = null;
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closeServer));
    await place?.remove();
  };
  try {
    place = await socketPlace(directory);
    await listening(tcp, () => tcp.listen({ host: "127.0.0.1", port: 0, exclusive: true }));
    // The file is made in the call, so that it never has another mode.
    const before = process.umask(0o177);
    const bound = listening(unix, () => unix.listen(place?.path));
    process.umask(before);
    await bound;
    const { port } = tcp.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, socketPath: place.path, close };
  } catch (error) {
    await close();
    throw new AgentCoreError(
      "AC_ADDRESS_UNAVAILABLE",
      `the spend gate cannot listen on 127.0.0.1 and below ${directory}: ${errorText(error)}`,
      { cause: error },
    );
  }
}

function serverFor(handler: RequestListener, requestMs: number): Server {
  const server = createServer(
    {
      requestTimeout: requestMs,
      headersTimeout: Math.min(requestMs, 10_000),
      // Node looks for late requests this often; its default of 30 s would delay the end.
      connectionsCheckingInterval: Math.min(Math.ceil(requestMs / 4), 5_000),
      keepAliveTimeout: 60_000,
      maxHeaderSize: 64 * 1024,
    },
    handler,
  );
  server.maxConnections = connectionsMax;
  // The gate opens no tunnel to anywhere.
  server.on("connect", (_request, socket) => {
    socket.on("error", () => {});
    socket.end(
      "HTTP/1.1 405 Method Not Allowed\r\nallow: GET, HEAD, POST\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    );
  });
  return server;
}

function listening(server: Server, start: () => void): Promise<void> {
  const over = Promise.withResolvers<void>();
  server.once("error", over.reject);
  server.once("listening", () => {
    server.off("error", over.reject);
    over.resolve();
  });
  start();
  return over.promise;
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  server.closeAllConnections();
  await closed.promise;
}

interface SocketPlace {
  readonly path: string;
  remove(): Promise<void>;
}

/** Gates that share a state directory have a socket each. */
async function socketPlace(directory: string): Promise<SocketPlace> {
  const name = `${process.pid}-${randomBytes(4).toString("hex")}.sock`;
  const path = join(directory, name);
  if (Buffer.byteLength(path) > socketPathBytesMax) {
    const own = await mkdtemp(join(tmpdir(), "agentcore-gate-"));
    return { path: join(own, name), remove: () => rm(own, { recursive: true, force: true }) };
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  await removeStale(directory);
  return { path, remove: () => rm(path, { force: true }) };
}

/** Removes the sockets of processes that were killed. One that nobody listens on any more refuses connections. */
async function removeStale(directory: string): Promise<void> {
  const names = await readdir(directory).catch(ifMissing<string[]>([]));
  for (const name of names) {
    const pid = Number(/^(\d+)-[0-9a-f]+\.sock$/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || (pid !== process.pid && exists(pid))) continue;
    if (!(await refuses(join(directory, name)))) continue;
    await rm(join(directory, name), { force: true });
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function refuses(path: string): Promise<boolean> {
  const answer = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once("connect", () => answer.resolve(false));
  socket.once("error", (error) =>
    answer.resolve(!isMissing(error) && (error as NodeJS.ErrnoException).code === "ECONNREFUSED"),
  );
  return answer.promise.finally(() => socket.destroy());
}
