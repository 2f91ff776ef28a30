/** Databases for tests. */
import { once } from "node:events";
import { connect } from "node:net";
import { startPostgres } from "./start-postgres.ts";

export interface TestDatabase {
  readonly url: string;
  remove(): Promise<void>;
}

/** An empty database on the server of this run of tests (see `offer-postgres.ts`), or on one of its own outside of a run. */
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
