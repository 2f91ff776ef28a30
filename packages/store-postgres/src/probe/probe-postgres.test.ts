import { once } from "node:events";
import { type AddressInfo, type Socket, createServer } from "node:net";
import { systemClock } from "@agentcore/contract";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { openPostgresStore } from "../store/postgres-store.ts";
import { testDatabase, type TestDatabase } from "../testing/index.ts";
import { probePostgres } from "./probe-postgres.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.remove());

it("a database is looked at without a change, before and after it has tables", async () => {
  const { url } = database;
  const before = await probePostgres({ url });
  expect(before).toMatchObject({ tablesVersion: null, isPooled: false });
  expect(Number.parseInt(before.serverVersion, 10)).toBeGreaterThanOrEqual(14);
  expect(before.roundTripMs).toBeGreaterThan(0);
  expect((await probePostgres({ url })).tablesVersion).toBeNull();
  await (await openPostgresStore({ url })).close();
  const { tablesVersion, knownVersion } = await probePostgres({ url });
  expect(tablesVersion).toBe(knownVersion);
});

it("a clock that is an hour behind the server's is told", async () => {
  const behind = { ...systemClock, now: () => Date.now() - 3_600_000, monotonicMs: () => performance.now() };
  const { clockAheadMs } = await probePostgres({ url: database.url, clock: behind });
  expect(Math.round(clockAheadMs / 60_000)).toBe(60);
});

it("a mode of encryption that is taken for another prints nothing", async () => {
  const warned = vi.spyOn(process, "emitWarning");
  onTestFinished(() => warned.mockRestore());
  for (const mode of ["prefer", "require", "verify-ca"])
    await expect(probePostgres({ url: `${database.url}?sslmode=${mode}` })).rejects.toThrow(
      "does not support SSL",
    );
  expect(warned).not.toHaveBeenCalled();
});

it("a missing password is told as such", async () => {
  const url = new URL(database.url);
  url.password = "";
  await expect(probePostgres({ url: url.href })).rejects.toThrow("no password is given");
});

it.each([
  ["a wrong password", (url: URL) => (url.password = "wr0ng"), "AC_STORE_REFUSED"],
  ["no password", (url: URL) => (url.password = ""), "AC_STORE_REFUSED"],
  [
    "a connection that must be encrypted",
    (url: URL) => (url.search = "?sslmode=require"),
    "AC_STORE_REFUSED",
  ],
  ["no such database", (url: URL) => (url.pathname = "/none"), "AC_STORE_REFUSED"],
  ["a database that takes no connections", (url: URL) => (url.pathname = "/template0"), "AC_STORE_REFUSED"],
  [
    "a certificate that is missing",
    (url: URL) => (url.search = "?sslrootcert=/no/such.crt"),
    "AC_STORE_REFUSED",
  ],
  ["options that are wrong", (url: URL) => (url.search = "?options=-c%20bogus.x"), "AC_STORE_REFUSED"],
  ["no server", (url: URL) => (url.port = "1"), "AC_STORE_UNAVAILABLE"],
])(
  "%s is told when it is opened and when it is looked at, without a password",
  async (_what, change, code) => {
    const url = new URL(database.url);
    const { password, host } = url;
    change(url);
    const options = { url: url.href, openTimeoutMs: 200 };
    for (const use of [openPostgresStore, probePostgres]) {
      const error = (await use(options).catch((reason: unknown) => reason)) as Error;
      expect(error).toMatchObject({ code });
      expect(error.message).toMatch(new RegExp(`^postgres://agentcore@${host.split(":")[0]}`));
      expect(error.message).not.toMatch(new RegExp(`wr0ng|${password}`));
    }
  },
);

it("a server that is too old is refused with its version", async () => {
  const server = createServer((socket) => answerAsVersion(socket, 130_022)).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `postgres://agents@127.0.0.1:${port}/agentcore`;
  await expect(openPostgresStore({ url })).rejects.toMatchObject({
    code: "AC_STORE_REFUSED",
    message: `${url} is PostgreSQL 13; AgentCore needs 14 or later: update the server`,
  });
});

/** Accepts everybody, and answers every query with the version. */
function answerAsVersion(socket: Socket, version: number): void {
  const message = (type: string, ...parts: readonly Buffer[]): Buffer => {
    const body = Buffer.concat(parts);
    const head = Buffer.from(`${type}\0\0\0\0`, "latin1");
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const ready = message("Z", Buffer.from("I"));
  const text = Buffer.from(String(version));
  const column = Buffer.concat([
    Buffer.from("\0\x01server_version_num\0", "latin1"),
    Buffer.alloc(6),
    Buffer.from([0, 0, 0, 25]),
    Buffer.alloc(8),
  ]);
  const row = Buffer.concat([Buffer.from([0, 1, 0, 0, 0, text.length]), text]);
  let isStarted = false;
  socket.on("error", () => undefined);
  socket.on("data", (data) => {
    if (!isStarted) {
      isStarted = true;
      socket.write(Buffer.concat([message("R", Buffer.alloc(4)), ready]));
    } else if (data.toString("latin1", 0, 1) === "Q")
      socket.write(
        Buffer.concat([message("T", column), message("D", row), message("C", Buffer.from("SHOW\0")), ready]),
      );
  });
}
