/** A pooler such as PgBouncer in transaction mode gives each transaction another session. Here each finds one without anything set. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { counterOf, holdOf } from "@agentcore/core/testing";
import { expect, it } from "vitest";
import { createPostgresLedger } from "../ledger/postgres-ledger.ts";
import { testStores } from "../testing/test-stores.ts";
import { openPostgresStore } from "./postgres-store.ts";

const { url } = testStores();

const discardAll = message("Q", "DISCARD ALL\0");

function message(type: string, text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Passes messages of a server on, and says of each "ready" whether a transaction is open. */
function messagesOf(take: (whole: Buffer, isIdle: boolean) => void): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 5 && rest.length >= 1 + rest.readInt32BE(1)) {
      const length = 1 + rest.readInt32BE(1);
      const whole = rest.subarray(0, length);
      rest = rest.subarray(length);
      take(whole, whole.toString("latin1", 0, 1) === "Z" && whole.toString("latin1", 5, 6) === "I");
    }
  };
}

/** Resets the session after every transaction, before the client hears that it is over. */
async function resettingProxy(of: string) {
  const { hostname, port } = new URL(of);
  let resets = 0;
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) socket.on("error", () => undefined);
    client.pipe(server);
    let ready: Buffer | undefined;
    server.on(
      "data",
      messagesOf((whole, isIdle) => {
        if (ready === undefined && !isIdle) client.write(whole);
        else if (ready === undefined) {
          ready = whole;
          server.write(discardAll);
        } else if (isIdle) {
          resets += 1;
          client.write(ready);
          ready = undefined;
        }
      }),
    );
    server.on("close", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const through = new URL(of);
  through.port = String((proxy.address() as AddressInfo).port);
  return { url: through.href, resets: () => resets, close: () => proxy.close() };
}

it("no transaction relies on what another set in the session", async () => {
  const proxy = await resettingProxy(url());
  const store = await openPostgresStore({ url: proxy.url, connectionsMax: 1 });
  const ledger = createPostgresLedger(store);
  const counter = counterOf("global", "total", { cost: 100 });
  const amounts = { costMicroUsd: 60, heldAt: 1 };
  expect(await ledger.hold(holdOf("a", [counter], amounts))).toEqual({ ok: true });
  expect(await ledger.hold(holdOf("b", [counter], amounts))).toMatchObject({ ok: false });
  expect(await ledger.settle("a", { costMicroUsd: 1, tokens: 0, basis: "reported", settledAt: 2 })).toBe(
    "settled",
  );
  await store.write((sql) => sql.run("UPDATE store_version SET number = number"));
  expect(await ledger.levels([counter])).toMatchObject([{ costSpentMicroUsd: 1, costHeldMicroUsd: 0 }]);
  expect(await store.externalVersion()).toBe(0);
  const settings = await store.read((sql) =>
    sql.get(
      "SELECT current_setting('statement_timeout') AS s, current_setting('idle_in_transaction_session_timeout') AS i",
    ),
  );
  expect(settings).toEqual({ s: "10s", i: "2s" });
  await store.close();
  expect(proxy.resets()).toBeGreaterThan(10);
  proxy.close();
});
