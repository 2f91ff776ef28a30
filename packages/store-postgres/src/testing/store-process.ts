/**
 * A process of a host, for tests that kill it or stop it: `STORE_URL=… node store-process.ts hold | freeze | server`. It tells what it has
 * done, a line each.
 */
import { once } from "node:events";
import { counterOf, holdOf } from "@agentcore/core/testing";
import { createPostgresLedger, openPostgresStore } from "../index.ts";
import { startPostgres } from "./start-postgres.ts";

const url = process.env["STORE_URL"] ?? "";
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const acts: Readonly<Record<string, () => Promise<void>>> = {
  /** Holds and settles as fast as it can. */
  async hold() {
    const ledger = createPostgresLedger(await openPostgresStore({ url }));
    const counters = ["job:j", "worker:w", "global"].map((scope) => counterOf(scope, "total"));
    await Promise.all(
      [0, 1, 2].map(async (lane) => {
        for (let number = 0; ; number += 1) {
          const holdId = `${process.pid}-${lane}-${number}`;
          await ledger.hold(holdOf(holdId, counters, { costMicroUsd: 5, tokens: 1, heldAt: 1 }));
          say(`held ${holdId}`);
          if (number % 2 === 0) continue;
          await ledger.settle(holdId, { costMicroUsd: 3, tokens: 1, basis: "reported", settledAt: 2 });
          say(`settled ${holdId}`);
        }
      }),
    );
  },
  /** Is in the middle of a transaction until a line comes in, and then goes on. */
  async freeze() {
    const store = await openPostgresStore({ url });
    let tries = 0;
    await store.write(async (sql) => {
      tries += 1;
      await sql.run("UPDATE store_version SET number = number + 1000");
      if (tries > 1) return;
      say("inside");
      await once(process.stdin, "data");
    });
    say(`wrote at try ${tries}`);
    await store.close();
    process.stdin.destroy();
  },
  /** Starts a server, and does not end. */
  async server() {
    const server = await startPostgres();
    say(server.url);
    process.stdin.resume();
  },
};

await acts[process.argv[2] ?? ""]?.();
