/**
 * `serve-databases.ts SOCKET` gives databases to the tests of a run: each connection to the socket has one of its own, which is
 * removed when it closes. PostgreSQL starts with the first. Ends with its input, and so with the process that started it.
 */
import { once } from "node:events";
import { type Socket, createServer } from "node:net";
import { type TestPostgres, startPostgres } from "./start-postgres.ts";

let starting: Promise<TestPostgres> | undefined;
const open = new Set<Socket>();

const offer = createServer((socket) => {
  open.add(socket);
  socket.on("close", () => open.delete(socket));
  starting ??= startPostgres();
  void giveDatabase(starting, socket);
});
offer.listen(process.argv[2]);
await once(offer, "listening");
process.stdout.write("ready\n");

await once(process.stdin.resume(), "end");
for (const socket of open) socket.destroy();
offer.close();
await (await starting)?.stop();

async function giveDatabase(server: Promise<TestPostgres>, socket: Socket): Promise<void> {
  try {
    const databases = await server;
    const url = await databases.newDatabase();
    socket.on("error", () => undefined);
    socket.on("close", () => void databases.removeDatabase(url).catch(() => undefined));
    socket.write(JSON.stringify({ url }));
  } catch (error) {
    socket.end(JSON.stringify({ error: String(error) }));
  }
}
