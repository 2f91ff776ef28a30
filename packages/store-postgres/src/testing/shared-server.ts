/**
 * One PostgreSQL for all tests of a run: vitest's global setup. It starts when the first test asks, over a socket in the temporary
 * directory of the run. Each connection to that socket has a database of its own, which is removed when it closes.
 */
import { once } from "node:events";
import { type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestPostgres, startPostgres } from "./start-postgres.ts";

/** Tests find the socket by `TEST_POSTGRES`. */
export default async function offerPostgres(): Promise<() => Promise<void>> {
  let starting: Promise<TestPostgres> | undefined;
  const open = new Set<Socket>();
  const offer = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    starting ??= startPostgres();
    void giveDatabase(starting, socket);
  });
  const path = join(tmpdir(), "agentcore-test-postgres");
  offer.listen(path).unref();
  await once(offer, "listening");
  process.env["TEST_POSTGRES"] = path;
  return async () => {
    for (const socket of open) socket.destroy();
    offer.close();
    await (await starting)?.stop();
  };
}

async function giveDatabase(starting: Promise<TestPostgres>, socket: Socket): Promise<void> {
  try {
    const server = await starting;
    const url = await server.newDatabase();
    socket.on("error", () => undefined);
    socket.on("close", () => void server.removeDatabase(url).catch(() => undefined));
    socket.write(JSON.stringify({ url }));
  } catch (error) {
    socket.end(JSON.stringify({ error: String(error) }));
  }
}

export interface TestDatabase {
  readonly url: string;
  remove(): Promise<void>;
}

/** An empty database on the server of this run of tests, or on one of its own outside of a run. */
export async function testDatabase(): Promise<TestDatabase> {
  const path = process.env["TEST_POSTGRES"];
  if (path === undefined) {
    const server = await startPostgres();
    return { url: await server.newDatabase(), remove: server.stop };
  }
  const socket = connect(path);
  const [line] = (await once(socket, "data")) as [Buffer];
  const { url, error } = JSON.parse(line.toString()) as { url?: string; error?: string };
  if (url === undefined) throw new Error(`PostgreSQL for tests: ${error}`);
  // A test that was killed leaves its database to the end of the connection.
  socket.unref();
  return {
    url,
    async remove() {
      socket.destroy();
      await once(socket, "close");
    },
  };
}
